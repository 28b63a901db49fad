"""Layers and blocks of a row that are all of a module → blocks without a sum, where their author
has a class for them: it tells what ends YOLO's C3 from the layer behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from operator import itemgetter

from ...collecting import by_key, each_name, flatten, of_type
from ...ops import Concat
from ..captured import Captured
from ..cells import Cell, Unit, cells
from ..classes import ModuleClasses, common, module_of
from ..kinds import Kind, changes, of_body, of_element, of_elements
from ..regions.structure import Region, RegionItem, head
from .runs import COST, SHORT, run_of, spared, with_runs

_LONGEST = 12
"""Labels that are looked for as one."""


def modules(
    items: Sequence[RegionItem],
    classes: ModuleClasses,
    net: Captured,
    unit: Unit,
) -> list[RegionItem]:
    """Runs of one class and kind become blocks, inner ones first, where that spares labels, or
    where a block of their class with a sum differs in the blocks that it holds alone. The body of a
    block with a sum is left to `Unsummed`, but for modules of that block's class."""
    row = cells(items, unit)
    found = [*_runs(row, classes)]
    runs = [
        (row[start : start + size], name) for start, size, name in found
    ]
    kinds = [(_kind(run, unit), _like(name, run)) for run, name in runs]
    places = [(start, size) for start, size, _ in found]
    groups = by_key(zip(kinds, places, strict=True))
    left = {None, *(of_body(each, unit) for each in row)}
    groups = {
        key: runs for key, runs in groups.items() if key[0] not in left
    }
    bodies = [*_bodies(row, classes, unit)]
    chosen = _chosen(
        groups, {_like(name, body) for name, body in bodies}, row
    )
    summed = {(name, _ungated(body, unit)) for name, body in bodies}
    own = [
        place
        for place, (run, name) in zip(places, runs, strict=True)
        if (name, _ungated(run, unit)) in summed
        and changes(run_of(run, net))
    ]
    return with_runs(row, _apart([*own, *flatten(_outer(chosen))]), net)


def _ungated(run: Sequence[Cell | Region], unit: Unit) -> Kind:
    """What stands there but for what scales."""
    return tuple(of_element(each, unit) for each in run if not each.gates)


def _chosen(
    groups: Mapping[tuple[Kind, Kind], list[_Run]],
    bodies: Collection[Kind],
    row: Sequence[Cell | Region],
) -> list[list[_Run]]:
    """Those that are like a block, or like others that pay; what is like each other as one."""
    found: dict[Kind, list[_Run]] = defaultdict(list)
    for (_, like), runs in groups.items():
        found[like] += runs
    often = {
        *bodies,
        *(like for like, runs in found.items() if _pays(runs, row)),
    }
    return [found[like] for like in found if like in often]


_Run = tuple[int, int]
"""Where it begins, and how many there are in it."""


def _kind(run: Sequence[Cell | Region], unit: Unit) -> Kind:
    """None for what has two blocks of a kind: a stage, that is a row."""
    blocks = [of_element(each, unit) for each in of_type(Region, run)]
    return of_elements(run, unit) if len({*blocks}) == len(blocks) else None


def _like(name: str, run: Iterable[Cell | Region]) -> Kind:
    """What runs of a class share that differ in the blocks that they hold."""
    return name, *("" if isinstance(e, Region) else e.kind for e in run)


def _bodies(
    row: Sequence[Cell | Region], classes: ModuleClasses, unit: Unit
) -> Iterator[tuple[str, Sequence[Cell | Region]]]:
    """The class and the path of each block with one path that is summed with what comes in."""
    for block in row:
        if isinstance(block, Region) and of_body(block, unit):
            yield classes.of([block]), cells(block.branches[0].items, unit)


def _outer(groups: Sequence[Sequence[_Run]]) -> Iterator[Sequence[_Run]]:
    """But for what stands in runs of one other alone."""
    for runs in groups:
        holders = {_holder(run, groups) for run in runs}
        if len(holders) > 1 or None in holders:
            yield runs


def _holder(run: _Run, groups: Sequence[Sequence[_Run]]) -> int | None:
    """The group in one of whose runs a run stands."""
    for place, runs in enumerate(groups):
        if any(_within(run, other) for other in runs):
            return place
    return None


def _within(run: _Run, other: _Run) -> bool:
    return run != other and other[0] <= run[0] and sum(run) <= sum(other)


def _pays(runs: Sequence[_Run], row: Sequence[Cell | Region]) -> bool:
    """Whether it spares labels; of a block that joins paths and what is behind it, `Closed` makes
    one."""
    start, size = runs[0]
    closes = any(map(_joins, row[start : start + size - 1]))
    return spared(len(runs), size) + closes * COST >= 0


def _joins(element: Cell | Region) -> bool:
    return isinstance(element, Region) and isinstance(
        head(element.merge)[0], Concat
    )


def _apart(runs: Iterable[_Run]) -> Mapping[int, int]:
    """The sizes of runs by where they begin, of which none lies in another."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for start, size in sorted(runs, key=itemgetter(1)):
        places = range(start, start + size)
        if taken.isdisjoint(places):
            taken.update(places)
            found[start] = size
    return found


def _runs(
    row: Sequence[Cell | Region], classes: ModuleClasses
) -> Iterator[tuple[int, int, str]]:
    """Where modules of a class of their own begin that hold several, how many, and the class."""
    parts = [*map(_part, row)]
    for start in range(len(row)):
        for stop in range(
            start + SHORT, min(start + _LONGEST, len(row)) + 1
        ):
            path = common([path for path, _ in parts[start:stop]])
            steps = sum(count for _, count in parts[start:stop])
            if name := classes.named(path, steps):
                yield start, stop - start, name


def _part(element: Cell | Region) -> tuple[Sequence[str], int]:
    """The module that an element of a row is in, and how many steps it has."""
    return module_of(element.steps), len(set(each_name(element.steps)))
