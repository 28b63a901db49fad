"""A fork of a block of several streams → the grid on which it is drawn: a lane for each stream."""

from __future__ import annotations

from msgspec.structs import replace

from ....graph import Graph
from ....ops import Add
from .parts import ENTRY, FigurePart, Fork, Join, Link, Tile
from .wording import symbol


def lay_streams(graph: Graph, fork: Fork) -> None:
    """Give the units of a fork their lanes, where it is drawn so: each stands below those that
    it reads, in the lane of the one that it goes on with, or of the stream that it gives."""
    exits = [*enumerate(fork.exits)]
    passed = (ENTRY - unit == lane for lane, unit in exits if unit < 0)
    if len(exits) < 2 or not all(passed):
        return
    lanes = {unit: lane for lane, unit in exits}
    grid = _grid(fork, lanes)
    if len({*grid.values()}) < len(fork.units):
        return
    fork.grid = grid
    fork.units = [_sum(graph, part) for part in fork.units]
    fork.links = [
        replace(link, note="", changes=_changes(grid, link))
        for link in fork.links
    ]


def _grid(fork: Fork, lanes: dict[int, int]) -> dict[int, tuple[int, int]]:
    """The lane and the level of each unit, as far as they are known; `lanes` are those of units
    that give a stream."""
    grid: dict[int, tuple[int, int]] = {}
    for unit in range(len(fork.units)):
        places = {
            (link.port, 0) if link.source == ENTRY else grid[link.source]
            for link in fork.links
            if link.target == unit
        }
        levels = {level for _, level in places}
        lane = lanes.get(
            unit, places.copy().pop()[0] if len(places) == 1 else -1
        )
        if lane < 0 or len(levels) != 1:
            return grid
        grid[unit] = lane, 1 + levels.pop()
    return grid


def _changes(grid: dict[int, tuple[int, int]], link: Link) -> bool:
    """Whether a link leads from one stream to another, of another shape."""
    return (
        link.source != ENTRY
        and grid[link.source][0] != grid[link.target][0]
    )


def _sum(graph: Graph, part: FigurePart) -> FigurePart:
    """A folded block in which streams meet in a sum as that sum; any other part as it is."""
    match part:
        case Tile(rows=[row]):
            node = graph.nodes.get(f"{row.name}.merge.add")
            if node and isinstance(node.op, Add):
                return Join(node.name, symbol(node.op), title=row.title)
    return part
