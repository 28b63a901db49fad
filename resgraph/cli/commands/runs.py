"""`resgraph runs`: a folder of runs → a table of them, or how some of them differ."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ...collecting import each_name, flatten
from ...errors import UsageError
from ..options import WRITTEN, force_option, json_option, write
from ..report import print_json

if TYPE_CHECKING:
    from rich.table import Table

    from ...train import RunInfo

UNCUT = 10_000
"""Columns where nobody's window is that wide: a file or a program reads whole lines."""


@click.command()
@click.argument(
    "folders", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR]..."
)
@click.option(
    "--curves",
    **WRITTEN,
    metavar="FILE.svg",
    help="draw their errors in one picture",
)
@force_option
@json_option
def runs(
    folders: tuple[Path, ...],
    curves: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """List runs, the ones under runs/ if none are named, and what their recipes differ in.

    The directory of a study, while it is swept or after, gives its table as far as it is."""
    from ...study.folder import is_study_folder

    _need_folders(folders)
    if len(folders) == 1 and curves is None and is_study_folder(folders[0]):
        _print_study(folders[0], as_json=as_json)
        return
    places = folders or (Path("runs"),)
    found = _found(places)
    if curves is not None and found:
        _draw(found, curves, force=force)
    if as_json:
        print_json([run.document() for run in found])
        return
    if not found:
        raise UsageError(
            f"no runs in {', '.join(map(str, places))}; `resgraph build SPEC` makes one"
        )
    _print(found)


def _found(places: tuple[Path, ...]) -> list[RunInfo]:
    from ...study.folder import RUNS, is_study_folder
    from ...train.run.listing import find_runs

    inner = [
        place / RUNS if is_study_folder(place) else place
        for place in places
    ]
    return [*flatten(map(find_runs, inner))]


def _need_folders(folders: tuple[Path, ...]) -> None:
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                f"{folder} is not there, or no folder; name runs, or folders of runs"
            )


def _print_study(folder: Path, *, as_json: bool) -> None:
    from ...study.report import document, progress, text
    from ...study.results import need_scipy, standing

    need_scipy()
    results = standing(folder)
    if as_json:
        print_json(document(results))
    else:
        click.echo(f"{text(results)}\n{progress(results)}")


def _draw(found: list[RunInfo], curves: Path, *, force: bool) -> None:
    from ...train.run.curves import comparison
    from ...train.run.metrics_log import read_rows

    if curves.suffix != ".svg":
        raise UsageError(
            f"{curves}: the picture is an SVG; end its name in .svg"
        )
    whole = _whole(found)
    # several runs of one net
    alike = len(set(each_name(whole))) < len(whole)
    series = [
        (
            run.path.name if alike else run.name,
            read_rows(run.path / "metrics.jsonl"),
        )
        for run in whole
    ]
    write(
        comparison(
            f"training and {_watched(found)} error", series, "epochs"
        ),
        curves,
        force=force,
    )


def _whole(found: list[RunInfo]) -> list[RunInfo]:
    """Those that can be read."""
    return [run for run in found if run.status != "damaged"]


def _watched(found: list[RunInfo]) -> str:
    """What the images are called that runs were evaluated on."""
    words = sorted({run.watched for run in _whole(found)})
    return " or ".join(words) or "validation"


def _print(found: list[RunInfo]) -> None:
    """The table, and where there are several runs what they differ in."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=UNCUT)
    console.print(_table(found))
    whole = _whole(found)
    if len(whole) > 1 and (other := _differences(whole)):
        console.print(other)


def _table(found: list[RunInfo]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    # where a terminal is too narrow a long path folds, and no number is cut
    table.add_column("run", overflow="fold", style="bold")
    for column in (
        "status",
        "params",
        "epoch",
        "train error",
        f"{_watched(found)} error",
        "time",
    ):
        justify: Literal["left", "right"] = (
            "left" if column == "status" else "right"
        )
        table.add_column(column, justify=justify, no_wrap=True)
    for run in found:
        errors = [
            "–" if e is None else f"{e:.2f} %"
            for e in (run.train_error, run.error)
        ]
        size = (
            f"{run.params:,}",
            f"{run.epoch:g}",
            *errors,
            f"{run.seconds:.0f} s",
        )
        table.add_row(Text(str(run.path)), run.status, *size)
    return table


def _differences(runs: list[RunInfo]) -> Table | None:
    """The keys in which the specs of runs differ; None where they differ in none."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from ...train.run.listing import differences

    differing = differences(runs)
    if not differing:
        return None
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        title="what differs",
        title_justify="left",
    )
    table.add_column("key", overflow="fold")
    for run in runs:
        table.add_column(Text(run.path.name), overflow="fold")
    for key, values in differing.items():
        table.add_row(key, *map(Text, values))
    return table
