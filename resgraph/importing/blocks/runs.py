"""Layers and blocks one after another → a block without a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...collecting import flatten
from ..captured import Captured
from ..cells import Cell
from ..regions.structure import Branch, Region, RegionItem

SHORT = 2
"""Fewer labels than these are no block."""
COST = 2
"""How many labels a block costs beside those in it."""


def run_of(elements: Sequence[Cell | Region], net: Captured) -> Region:
    items = [*flatten(each.items for each in elements)]
    value = items[-1].exit
    branch = Branch(value, None, items)
    return Region(
        items[0].entry, value, [branch], value, net.steps, summed=False
    )


def with_runs(
    row: Sequence[Cell | Region], sizes: Mapping[int, int], net: Captured
) -> list[RegionItem]:
    """A row in which runs are blocks, by where they begin and how many elements they have."""
    found: list[RegionItem] = []
    place = 0
    while place < len(row):
        size = sizes.get(place, 1)
        run = row[place : place + size]
        found += [run_of(run, net)] if size > 1 else run[0].items
        place += size
    return found


def spared(times: int, labels: int) -> int:
    """How many labels fewer a net has with a block of so many that stands so many times."""
    return times * (labels - 1) - labels - COST
