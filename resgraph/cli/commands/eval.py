"""`resgraph eval`: a run → its score on its validation images, from the exported weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...counting import counted
from ..loading import load_plan
from ..options import Multiple, json_option, set_option
from ..report import is_first, print_json
from ..training import (
    need_run,
    need_spec,
    options_from,
    run_options,
    weights_option,
)

if TYPE_CHECKING:
    from ...train.engine.evaluate import Score

LARGEST_SIDE = 4096


def _sides(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...]:
    """Whole numbers with commas between them."""
    parts = (
        [part.strip() for part in value.split(",")]
        if value is not None
        else []
    )
    if not all(
        part.isdecimal() and 1 <= int(part) <= LARGEST_SIDE
        for part in parts
    ):
        raise click.BadParameter(
            f"{value!r}: write whole numbers up to {LARGEST_SIDE} with commas, as in"
            " 224,256,384,480,640"
        )
    return tuple(map(int, parts))


@click.command("eval")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|SPEC")
@weights_option
@set_option
@click.option(
    "--crops",
    type=click.Choice(["1", "10"]),
    default="1",
    show_default=True,
    help="10: the mean over corners, middle and mirror images; 1: as validated",
)
@click.option(
    "--sides",
    callback=_sides,
    metavar="S,S,...",
    help=(
        "the mean over whole images of these shorter sides and their mirror images, as in"
        " 224,256,384,480,640"
    ),
)
@click.option(
    "--split",
    default="",
    metavar="NAME",
    help="score another folder than the validated one, as in test (or tar files)",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="write a page of its mistakes, confusion matrix and classes, as in report.html",
)
@run_options("evaluate")
@json_option
def evaluate(
    run: Path,
    crops: str,
    sides: tuple[int, ...],
    split: str,
    report: Path | None,
    as_json: bool,
    weights: str | None,
    key: str | None,
    overrides: Multiple,
    allow_outside: bool,
    **settings: Any,
) -> None:
    """Evaluate the trained weights of a run again, as validated or as the papers test; or other
    weights in the net of a spec, on the data of its recipe."""
    from ... import train

    how: dict[str, Any] = {
        "crops": int(crops), "sides": sides, "split": split, "report": report,
        "options": options_from(settings),
    }  # fmt: skip
    if weights is None:
        need_run(overrides, key)
        score = train.evaluate(run, **how)
    else:
        need_spec(run)
        plan = load_plan(str(run), overrides, allow_outside=allow_outside)
        score = train.evaluate_weights(plan, weights, key=key, **how)
    if not is_first():
        return
    for note in score.notes:
        click.echo(note, err=True)
    if as_json:
        print_json(_document(score, int(crops), sides))
    else:
        click.echo(_line(score, int(crops), sides))


def _document(
    score: Score, crops: int, sides: tuple[int, ...]
) -> dict[str, object]:
    """All percentages are of images; `top5_error` is null up to five classes."""
    return {
        "loss": score.loss,
        "error": score.error,
        "measure": score.measure,
        score.measure: 100 - score.error,
        "top5_error": score.top5,
        **dict(score.details),
        "images": score.images,
        "crops": None if sides else crops,
        "sides": list(sides),
        "notes": list(score.notes),
    }


def _line(score: Score, crops: int, sides: tuple[int, ...]) -> str:
    near = "" if score.top5 is None else f", top-5 {score.top5:.2f} %"
    near = (
        f"  error {score.error:.2f} %{near}"
        if score.measure == "accuracy"
        else ""
    )
    more = "".join(f"  {said}" for said in score.further())
    text = f"{score.measure} {100 - score.error:.2f} %{near}{more}  loss {score.loss:.4f}"
    views = (
        f", {crops} crops each"
        if crops > 1
        else f", whole at {', '.join(map(str, sides))}"
        if sides
        else ""
    )
    return f"{text}  {counted(score.images, 'image')}{views}"
