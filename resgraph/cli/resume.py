"""`resgraph resume`: a run directory → the same run, gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import json_option
from .report import print_json
from .training import options_from, reporter, run_argument, run_options


@click.command()
@run_argument
@click.option("--allow-change", is_flag=True, help="go on although the recipe has changed")
@run_options
@json_option
def resume(run: Path, allow_change: bool, as_json: bool, **settings: Any) -> None:
    """Go on with a run to the end of its recipe, bit for bit."""
    from .. import train

    options = options_from(settings, allow_change=allow_change)
    result = train.resume(run, options=options, reporter=reporter(quiet=as_json))
    if as_json:
        print_json(result.document())
    else:
        click.echo(result.summary())
