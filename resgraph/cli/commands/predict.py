"""`resgraph predict`: a run and images → what its recipe's target asks of each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import TrainingError, UsageError
from ..loading import load_plan
from ..options import Multiple, json_option, set_option
from ..report import print_json, report
from ..training import (
    need_run,
    need_spec,
    options_from,
    run_options,
    weights_option,
)

if TYPE_CHECKING:
    from ...train.predicted import Announce, Prediction


ARRAY = re.compile(r".*\.(npy|npz(:.*)?)")
"""The file of an array, or one of several in it."""


def _beside(
    ctx: click.Context, param: click.Parameter, given: Multiple
) -> dict[str, list[float] | Path]:
    """`record=63,1.5` → `{"record": [63.0, 1.5]}`, `record=x.npy` → its path."""
    out: dict[str, list[float] | Path] = {}
    for text in given:
        name, sign, numbers = text.partition("=")
        try:
            whole = ARRAY.fullmatch(numbers)
            out[name] = (
                Path(numbers)
                if whole
                else [*map(float, numbers.split(","))]
            )
        except ValueError:
            sign = ""
        if not (name and sign):
            raise click.BadParameter(
                f"{text!r}: write a name and numbers with commas, as in record=63,1.5, or a file of"
                " rows, as in record=x.npy"
            )
    return out


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|SPEC")
@weights_option
@set_option
@click.argument(
    "images",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="IMAGE|ARRAY...",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="classes for each image",
)
@click.option(
    "--input",
    "beside",
    multiple=True,
    callback=_beside,
    metavar="NAME=N,N,...|FILE",
    help="numbers of a further input of the net, or an array with a row for each image",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="the folder of the masks or pictures that the net makes, a PNG for each image",
)
@run_options("predict")
@json_option
def predict(
    run: Path, images: tuple[Path, ...], top: int, beside: dict[str, list[float] | Path],
    out: Path | None, as_json: bool, weights: str | None, key: str | None,
    overrides: Multiple, allow_outside: bool, **settings: Any,
) -> int:  # fmt: skip
    """Say what a trained net sees in images, in all of a folder, or in each row of an array
    (x.npy, x.npz, x.npz:NAME): that of a run, or of a spec with `--weights`. An image that cannot
    be read is told and left out, and the exit code is then 3."""
    from ... import train

    how: dict[str, Any] = {
        "top": top,
        "beside": beside,
        "announce": _announced(out),
        "options": options_from(settings),
    }
    if weights is None:
        need_run(overrides, key)
        found = train.predict(run, images, **how)
    else:
        need_spec(run)
        plan = load_plan(str(run), overrides, allow_outside=allow_outside)
        found = train.predict_weights(plan, weights, images, key=key, **how)
    written = [_written(each, out) for each in found]
    if out and not any(written):
        click.echo(f"no pictures for {out}: the net makes none", err=True)
    pairs = [*zip(found, written, strict=True)]
    if as_json:
        print_json([_document(each, path) for each, path in pairs])
    else:
        _print(pairs)
    unread = any(each.unread for each in found)
    return TrainingError.exit_code if unread else 0


def _print(pairs: list[tuple[Prediction, Path | None]]) -> None:
    """A line each; what cannot be read is an error beside them."""
    for each, path in pairs:
        if each.unread:
            report(TrainingError(each.unread), as_json=False)
            continue
        classes = [
            f"{name} {probability:.1%}"
            for name, probability in each.classes
        ]
        numbers = [f"{name} {value:.6g}" for name, value in each.numbers]
        made = [str(path)] if path else []
        place = [f"row {each.row}"] if each.row is not None else []
        click.echo(
            "  ".join([str(each.path), *place, *classes, *numbers, *made])
        )


def _written(found: Prediction, out: Path | None) -> Path | None:
    """Where its picture is; None where there is none."""
    if found.picture is None or out is None:
        return None
    out.mkdir(parents=True, exist_ok=True)
    path = _place(out, found.path, found.row)
    found.save(path)
    return path


def _place(out: Path, image: Path, row: int | None) -> Path:
    return out / f"{image.stem}{'' if row is None else f'-{row}'}.png"


def _announced(out: Path | None) -> Announce:
    """Raises `UsageError` where a picture may not be written, before it is made."""
    taken: dict[Path, Path] = {}

    def check(image: Path, row: int | None) -> None:
        if out is None:
            raise UsageError(
                "the net makes a picture of each image: say a folder with -o"
            )
        path = _place(out, image, row)
        if path.exists():
            raise UsageError(
                f"{path} is there already; take another folder with -o"
            )
        if first := taken.get(path):
            raise UsageError(
                f"{path} would be of {first} and of {image}: ask for them apart"
            )
        taken[path] = image

    return check


def _document(found: Prediction, path: Path | None) -> dict[str, object]:
    """As JSON."""
    return {
        "image": str(found.path),
        **({} if found.row is None else {"row": found.row}),
        "classes": [*map(list, found.classes)],
        **({"numbers": dict(found.numbers)} if found.numbers else {}),
        **({"picture": str(path)} if path else {}),
        **({"error": found.unread} if found.unread else {}),
    }
