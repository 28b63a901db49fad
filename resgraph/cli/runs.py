"""`resgraph runs`: a folder of runs → a table of them, or how some of them differ."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from .options import json_option, write
from .report import print_json


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR]...")
@click.option("--curves", type=click.Path(path_type=Path), metavar="FILE.svg", help="draw their errors in one picture")
@click.option("--force", is_flag=True, help="overwrite the picture")
@json_option
def runs(folders: tuple[Path, ...], curves: Path | None, force: bool, as_json: bool) -> None:
    """List runs, the ones under runs/ if none are named, and what their recipes differ in."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..train.runs import differences, find_runs

    found = [run for folder in folders or (Path("runs"),) for run in find_runs(folder)]
    if as_json:
        print_json([run.document() for run in found])
        return
    if not found:
        raise UsageError(f"no runs in {', '.join(map(str, folders)) or 'runs'}; `resgraph build SPEC` makes one")
    if curves is not None:
        from ..train.curves import comparison
        from ..train.metrics import read_rows

        series = [(run.name, read_rows(run.path / "metrics.jsonl")) for run in found]
        write(comparison("training and validation error", series, "epochs"), curves, force=force)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("run", no_wrap=True, style="bold")
    for column in ("status", "params", "epoch", "train err.", "val. err.", "time"):
        table.add_column(column, justify="left" if column == "status" else "right")
    for run in found:
        errors = ["–" if e is None else f"{e:.2f} %" for e in (run.train_error, run.error)]
        size = (f"{run.params:,}", f"{run.epoch:g}", *errors, f"{run.seconds:.0f} s")
        table.add_row(Text(str(run.path)), run.status, *size)
    console = Console(highlight=False)
    console.print(table)
    differing = differences(found) if len(found) > 1 else {}
    if differing:
        other = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, title="what differs", title_justify="left")
        other.add_column("key")
        for run in found:
            other.add_column(Text(run.path.name))
        for key, values in differing.items():
            other.add_row(key, *map(Text, values))
        console.print(other)
