"""`resgraph predict`: a run and images → the likeliest classes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..loading import load_plan
from ..options import json_option, set_option
from ..report import print_json
from ..training import need_run, options_from, run_options, weights_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|SPEC")
@weights_option
@set_option
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
    run: Path, images: tuple[Path, ...], top: int, as_json: bool, weights: str | None,
    key: str | None, overrides: tuple[str, ...], allow_outside: bool, **settings: Any,
) -> None:  # fmt: skip
    """Say what a trained net sees in images: that of a run, or of a spec with `--weights`."""
    from ... import train

    how: dict[str, Any] = {"top": top, "options": options_from(settings)}
    if weights is None:
        need_run(overrides, key)
        found = train.predict(run, images, **how)
    else:
        plan = load_plan(str(run), overrides, allow_outside=allow_outside)
        found = train.predict_weights(plan, weights, images, key=key, **how)
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
