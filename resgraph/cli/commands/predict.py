"""`resgraph predict`: a run and images → the likeliest classes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..options import json_option
from ..report import print_json
from ..training import options_from, run_argument, run_options


@click.command()
@run_argument
@click.argument(
    "images",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="IMAGE...",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="classes for each image",
)
@run_options("predict")
@json_option
def predict(
    run: Path, images: tuple[Path, ...], top: int, as_json: bool, **settings: Any
) -> None:
    """Say what a trained net sees in images."""
    from ... import train

    found = train.predict(run, images, top=top, options=options_from(settings))
    if as_json:
        print_json(
            [
                {"image": str(p.path), "classes": [list(c) for c in p.classes]}
                for p in found
            ]
        )
        return
    for prediction in found:
        classes = "  ".join(
            f"{name} {probability:.1%}" for name, probability in prediction.classes
        )
        click.echo(f"{prediction.path}  {classes}")
