"""`resgraph export`: a spec → model.py, which needs torch alone."""

from __future__ import annotations

from pathlib import Path

import click

from ..plan import load
from .options import output_options, set_option, spec_argument, write


@click.command()
@spec_argument
@set_option
@output_options
def export(spec: str, overrides: tuple[str, ...], allow_outside: bool, output: Path | None, force: bool) -> None:
    """Write a net as a Python module that depends on torch alone."""
    write(load(spec, overrides, allow_outside=allow_outside).source(), output, force=force)
