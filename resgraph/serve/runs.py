"""The folder that a spec stands in → the runs and the studies there, as a part of the spec's
page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from ..errors import ResgraphError
from ..outputs.numbers import count_text
from ..study.folder import is_study_folder
from ..study.results import need_scipy, standing
from ..train.run.curves import comparison
from ..train.run.listing import RunInfo, find_runs
from ..train.run.metrics_log import read_rows
from .study import rows_table, study_body

FOLDER = "runs"
"""Where `resgraph build` writes what it is not told another place for."""
_HEAD = (
    "run",
    "net",
    "status",
    "params",
    "epoch",
    "train error",
    "error",
    "time",
)


def runs_part(folder: Path) -> str:
    """HTML; of what cannot be read, why."""
    found = [*_runs(folder / FOLDER), *_studies(folder)]
    return "".join(found) or (
        "<p>No runs yet: <code>resgraph build</code> writes them beside the spec, in"
        f" <code>{FOLDER}</code>; <code>resgraph sweep</code> writes studies.</p>"
    )


def _runs(folder: Path) -> Iterator[str]:
    found = find_runs(folder) if folder.is_dir() else []
    if not found:
        return
    yield f"<h2>Runs</h2>{rows_table([_HEAD, *map(_row, found)], FOLDER)}"
    whole = [run for run in found if run.status != "damaged"]
    lines = [
        (run.path.name, read_rows(run.path / "metrics.jsonl"))
        for run in whole
    ]
    if any(rows for _, rows in lines):
        yield comparison("training and validation error", lines, "epochs")


def _row(run: RunInfo) -> tuple[str, ...]:
    errors = (
        "–" if e is None else f"{e:.2f} %"
        for e in (run.train_error, run.error)
    )
    size = count_text(run.params), f"{run.epoch:g}"
    return (
        run.path.name,
        run.name,
        run.status,
        *size,
        *errors,
        f"{run.seconds:.0f} s",
    )


def _studies(folder: Path) -> Iterator[str]:
    for inside in sorted(folder.iterdir()):
        if is_study_folder(inside):
            try:
                need_scipy()
                results = standing(inside)
            except ResgraphError as problem:
                yield f"<h2>{escape(inside.name)}</h2><p>{escape(str(problem))}</p>"
            else:
                title = f"{inside.name}: {results.study.file.study}"
                yield f"<h2>{escape(title)}</h2>{study_body(results)}"
