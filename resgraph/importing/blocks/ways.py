"""Layers on the way from stream to stream → a block without a sum, where they stand so again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ...collecting import flatten, of_type
from ..captured import Captured
from ..cells import Cell, Unit, cells
from ..kinds import Kind, of_body, of_elements
from ..regions.cut_rows import CutNet, row_start
from ..regions.structure import Region, RegionItem
from .runs import SHORT, run_of

_OFTEN = 3
"""Fewer different ones than these are no block."""


def with_ways(cut: CutNet, net: Captured, unit: Unit) -> list[RegionItem]:
    """The items of a net, with such blocks."""
    if not cut.streams:
        return cut.items
    ways = {way.exit: way for way in _ways(cut, net, unit)}
    found: list[RegionItem] = []
    way: Region | None = None
    for item in cut.items:
        if begun := row_start(item):
            way = ways.get(begun.value)
            found += [item, way] if way else [item]
        elif way is None:
            found.append(item)
    return found


def _ways(cut: CutNet, net: Captured, unit: Unit) -> Iterator[Region]:
    """But for what is the body of a block with a sum."""
    rows = [row for row in _rows(cut, unit) if len(row) >= SHORT]
    often = _often(rows, unit) - {*_bodies(cut, unit)}
    yield from (
        run_of(row, net) for row in rows if of_elements(row, unit) in often
    )


def _rows(cut: CutNet, unit: Unit) -> Iterator[list[Cell | Region]]:
    """The paths that one equation reads."""
    for block in flatten(cut.streams):
        yield from (cells(path.items, unit) for path in block.held.values())


def _bodies(cut: CutNet, unit: Unit) -> Iterator[Kind]:
    blocks = of_type(Region, cut.items)
    return (of_body(block, unit) for block in blocks)


def _often(rows: Iterable[list[Cell | Region]], unit: Unit) -> set[Kind]:
    """The kinds of several that differ in numbers."""
    ops = ((step.op for each in row for step in each.steps) for row in rows)
    kinds = (of_elements(row, unit) for row in rows)
    counts = Counter(
        kind for kind, _ in {*zip(kinds, map(tuple, ops), strict=True)}
    )
    return {kind for kind, count in counts.items() if count >= _OFTEN}
