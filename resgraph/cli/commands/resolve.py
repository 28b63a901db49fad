"""`resgraph resolve`: a spec → the same net in one file, with everything filled in, and where each
value came from."""

from __future__ import annotations

from pathlib import Path

import click

from ...outputs.resolved import blame, resolved
from ..loading import load_plan
from ..options import (
    Multiple,
    output_options,
    set_option,
    spec_argument,
    write,
)


@click.command()
@spec_argument
@set_option
@output_options
@click.option(
    "--blame",
    "with_places",
    is_flag=True,
    help="say beside each line where its value was set",
)
def resolve(
    spec: str,
    overrides: Multiple,
    allow_outside: bool,
    output: Path | None,
    force: bool,
    with_places: bool,
) -> None:
    """Print a spec with `extends`, its variant, overrides and defaults applied."""
    plan = load_plan(spec, overrides, allow_outside=allow_outside)
    write(
        blame(plan) if with_places else resolved(plan, defaults=True),
        output,
        force=force,
    )
