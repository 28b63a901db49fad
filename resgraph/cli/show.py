"""`resgraph show`: a spec → its table."""

from __future__ import annotations

import click

from ..outputs.table import facts, rich_table
from ..plan import load
from .options import json_option, set_option, spec_argument
from .report import print_json


@click.command()
@spec_argument
@set_option
@json_option
def show(spec: str, overrides: tuple[str, ...], allow_outside: bool, as_json: bool) -> None:
    """Print a net as a table: output, layers, parameters and multiply-adds of each row."""
    from rich.console import Console

    plan = load(spec, overrides, allow_outside=allow_outside)
    if as_json:
        print_json(facts(plan))
        return
    if plan.spec.about:
        click.echo(plan.spec.about)
    Console(highlight=False).print(rich_table(plan))
