"""`resgraph eval`: a run → its score on its validation images, from the exported weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import json_option
from .report import print_json
from .training import options_from, run_argument, run_options


@click.command("eval")
@run_argument
@run_options
@json_option
def evaluate(run: Path, as_json: bool, **settings: Any) -> None:
    """Evaluate the trained weights of a run again."""
    from .. import train

    score = train.evaluate(run, options=options_from(settings))
    if as_json:
        print_json({"loss": score.loss, "error": score.error, "accuracy": 100 - score.error, "images": score.images})
    else:
        click.echo(f"accuracy {100 - score.error:.2f} %  loss {score.loss:.4f}  {score.images:,} images")
