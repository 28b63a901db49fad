"""A study and a directory → its runs, its table and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import filterfalse
from pathlib import Path

from ..errors import TrainingError
from ..outputs.figure.formats.raster import pdf, png
from ..train import Options
from ..train.atomic_write import write_whole
from .equals import equal_nets, equality_told
from .execute import Execute, Outcome, execute, info_of, is_done, placed
from .figures import pictures
from .folder import PlacedRun, open_folder
from .plan import PlannedNet, jobs, need_comparable, points
from .report import FORMS
from .results import Results, RunScore, collect, need_scipy
from .schema import Study
from .search import Say, search

_MOST_NAMED = 5  # missing runs
_CHANGED = "the study has changed since it was swept; runs that are as they were are kept"
_EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
PICTURES: dict[str, Callable[[str], bytes]] = {
    "svg": str.encode,
    "pdf": pdf,
    "png": png,
}
"""The kinds of picture, each with what makes it of an SVG."""


def sweep(
    study: Study,
    out: Path,
    options: Options | None = None,
    *,
    count: int = 1,
    cluster: str | None = None,
    partial: bool = False,
    kinds: Sequence[str] = ("svg",),
    say: Say = print,
) -> Results:
    """Trains what is not trained yet, `count` runs at a time or on a `cluster` (the address of a
    Dask scheduler, or a file that says where workers come from), and writes into `out` the table,
    and pictures of some `kinds` (`svg`, `pdf`, `png`).

    The same call goes on after whatever ended it. Raises `SpecError` where nets are wrong or not
    comparable, `RunError` where another sweep has the directory, what `train.build` raises but
    for a run that diverges, and `TrainingError` where runs are missing in the end, unless
    `partial`."""
    nets = [] if study.file.search else points(study)
    _need(kinds)
    options = options or Options()
    with (
        _machines(options, count, cluster) as make,
        open_folder(out) as folder,
    ):
        if folder.changed(study):
            say(_CHANGED)
        if study.file.search:
            nets, runs = search(study, folder, options, make, say)
            need_comparable(study, nets)
        else:
            _tell_equals(nets, say)
            runs = placed(folder, jobs(study, nets), options)
            folder.note(study, nets, runs)
            _train(runs, make, say)
        results = collect(study, nets, runs)
        _need_whole(results, partial=partial)
        _write(results, out, kinds)
        return results


def _need(kinds: Sequence[str]) -> None:
    """Raises `MissingError` now, not after the runs."""
    need_scipy()
    for kind in kinds:
        PICTURES[kind](_EMPTY)


@contextmanager
def _machines(
    options: Options, count: int, cluster: str | None
) -> Iterator[Execute]:
    """What makes runs: this machine, or a cluster."""
    if cluster is None:
        yield partial(execute, options, count)
        return
    from .cluster import on_cluster

    with on_cluster(cluster, options) as make:
        yield make


def _tell_equals(nets: Sequence[PlannedNet], say: Say) -> None:
    for names in equal_nets(nets):
        say(f"note: {equality_told(names)}")


def _train(runs: Sequence[PlacedRun], make: Execute, say: Say) -> None:
    """What is not done yet."""
    left = [*filterfalse(is_done, runs)]
    if len(left) < len(runs):
        say(f"{len(runs) - len(left)} of {len(runs)} runs are done already")
    for number, outcome in enumerate(make(left), 1):
        say(f"[{number}/{len(left)}] {_told(outcome)}")


def _write(results: Results, out: Path, kinds: Sequence[str]) -> None:
    """The table in its forms, and the pictures."""
    for name, form in FORMS.items():
        write_whole(out / name, form(results))
    for name, picture in pictures(results.study).items():
        drawn = picture(results)
        for kind in kinds:
            write_whole(out / f"{name}.{kind}", PICTURES[kind](drawn))


def _told(outcome: Outcome) -> str:
    job = outcome.placed.job
    name = f"{job.point} seed {job.seed}"
    if outcome.status != "done":
        return f"{name}: failed: {outcome.text}"
    info = info_of(outcome.placed)
    assert info is not None
    error = "–" if info.error is None else f"{info.error:.2f} %"
    return f"{name}: {info.watched} error {error}, {info.seconds:.1f} s"


def _need_whole(results: Results, *, partial: bool) -> None:
    """Raises `TrainingError` where runs are missing, unless that is asked for."""
    if results.holes and not partial:
        raise TrainingError(_holes(results.holes))


def _holes(holes: Sequence[RunScore]) -> str:
    """What is missing, and how to go on."""
    named = [
        f"{run.net} seed {run.seed} ({run.why})"
        for run in holes[:_MOST_NAMED]
    ]
    more = (
        f" and {len(holes) - _MOST_NAMED} more"
        if len(holes) > _MOST_NAMED
        else ""
    )
    return (
        f"no table, as runs are missing: {', '.join(named)}{more}. The same command tries them"
        " again; `--partial` writes the table without them, and says so in it"
    )
