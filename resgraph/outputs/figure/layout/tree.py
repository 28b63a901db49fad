"""A tree of parts → where each stands: the main path one straight vertical line, shortcuts in lanes
of their own.

Every part is placed about its own spine (x = 0), from its top (y = 0), and then moved as a whole,
like boxes in TeX. A chain stacks its parts on the spine. A fork (`branches.py`) has columns and
lanes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ....collecting import by_key, of_type
from .. import text
from ..content.parts import (
    ENTRY,
    Capsule,
    Chain,
    FigurePart,
    Fork,
    Join,
    Link,
    OpBox,
    Strip,
    Tile,
    walk,
)
from .branches import place_fork
from .geometry import (
    Placed,
    Placement,
    Rhythm,
    Wire,
    gap_between,
    heat_room,
    join_half,
    op_width,
    pairs,
    shifts,
    starts_with_box,
    strip_width,
    tile_width,
)
from .streams import fits, place_streams


def place(part: FigurePart, rhythm: Rhythm, streams: int = 1) -> Placement:
    """The layout of a part, into which some streams flow, and of everything in it.

    It recurses over blocks within blocks, which a view bounds, and never over depth.
    """
    rhythm = rhythm.within(part)
    if isinstance(part, Chain):
        return _chain(part, _stack(part, rhythm, streams), rhythm)
    if isinstance(part, Fork):
        rhythm = _closer(part, rhythm)
        streams = part.entries if streams >= part.entries else 1
        units = _units(part, rhythm, streams)
        if fits(part, units, rhythm):
            return place_streams(part, units, rhythm)
        part.grid = {}
        return place_fork(part, units, rhythm, streams)
    left, right, height = _leaf(part, rhythm)
    return Placement(
        part, left, right, height, [Placed(part, 0, 0, left, right, height)]
    )


_MANY, _CLOSER = 3, 0.6
"""Where more units than that stand beside one another, tiles are no wider than what stands in them,
and the gaps between the columns smaller by this factor."""


def _closer(fork: Fork, rhythm: Rhythm) -> Rhythm:
    """The rhythm of a fork: a closer one where many units read one, or are parts of a map."""
    readers = Counter(link.source for link in fork.links)
    cut = sum(map(_only_reshapes, fork.units)) + 1
    beside = max(cut, max(readers.values(), default=0))
    if beside <= _MANY or fork.breaks or fork.grid:
        return rhythm
    tiles = [tile_width(tile, rhythm) for tile in of_type(Tile, fork.units)]
    gap = rhythm.column_gap * _CLOSER
    wide = max(tiles, default=0)
    return replace(rhythm, tile_width=wide, column_gap=gap, close=True)


def _stack(chain: Chain, rhythm: Rhythm, streams: int) -> list[Placement]:
    """The parts of a chain, each placed for the streams that leave the one above."""
    out: list[Placement] = []
    for part in chain.parts:
        out.append(place(part, rhythm, streams))
        streams = len(out[-1].exits)
    return out


def _units(fork: Fork, rhythm: Rhythm, streams: int) -> list[Placement]:
    """The units of a fork, each placed for the streams that its links bring."""
    into = by_key((link.target, link) for link in fork.links)
    out: list[Placement] = []
    exits = {ENTRY: streams}
    for unit, part in enumerate(fork.units):
        out.append(place(part, rhythm, streams_into(into[unit], exits)))
        exits[unit] = len(out[-1].exits)
    return out


def streams_into(links: Iterable[Link], exits: Mapping[int, int]) -> int:
    """How many streams flow into a unit by its links, from how many leave each unit."""
    counts = (exits[link.source] - link.port + link.entry for link in links)
    return max(counts, default=1)


def even(rhythm: Rhythm, part: FigurePart) -> Rhythm:
    """The rhythm in which all tiles of a part, and all ops, are as wide as the widest."""
    parts = list(walk(part))
    rhythm = replace(rhythm, heat=heat_room(parts))
    tiles = [tile_width(tile, rhythm) for tile in of_type(Tile, parts)]
    ops = max([rhythm.op_width, *map(op_width, of_type(OpBox, parts))])
    inner = rhythm.inner and replace(
        rhythm.inner, op_width=ops, heat=rhythm.heat
    )
    wide = max([rhythm.tile_width + rhythm.heat, *tiles])
    return replace(rhythm, tile_width=wide, op_width=ops, inner=inner)


def _leaf(
    part: Tile | Strip | OpBox | Join | Capsule, rhythm: Rhythm
) -> tuple[float, float, float]:
    """Left, right and height of a part that has no parts."""
    least, behind = rhythm.tile_width, 0.0
    slim = rhythm.close and _only_reshapes(part)
    match part:
        case Tile(rows=rows, sheets=sheets):
            half = max(0 if slim else least, tile_width(part, rhythm)) / 2
            height = (
                len(rows) * rhythm.row + (len(rows) - 1) * rhythm.row_gap
            )
            height += 2 * rhythm.tile_pad
            behind = 2 * rhythm.sheet
            height += behind if sheets else 0
        case Strip():
            half = max(least, strip_width(part, rhythm)) / 2
            height = rhythm.row
            behind = rhythm.heat
        case OpBox(macs=macs):
            half = max(0 if slim else rhythm.op_width, op_width(part)) / 2
            behind = rhythm.heat
            height = rhythm.op_tall if macs else rhythm.op_thin
        case Join(symbol=symbol):
            half = max(rhythm.join, join_half(symbol, rhythm))
            height = (
                2 * rhythm.join
                if len(symbol) == 1
                else max(2 * rhythm.join, 14)
            )
        case Capsule():
            half = (
                max(least, text.width(part.text, rhythm.size, 500) + 28) / 2
            )
            height = rhythm.capsule
    # To the right always, so that the lanes of all blocks stand in one line.
    return half, half + behind, height


def _only_reshapes(part: FigurePart) -> bool:
    """Whether a box computes nothing, as the part of a map does, and so needs no more than its
    words."""
    match part:
        case Tile(rows=[row]):
            return row.family == "shape"
        case OpBox(family=family):
            return family == "shape"
    return False


def _chain(
    chain: Chain, inner: list[Placement], rhythm: Rhythm
) -> Placement:
    """Parts one under the other on the spine, with a wire in each gap."""
    out = Placement(chain, 0, 0, 0)
    y = 0.0
    for index, box in enumerate(inner):
        gap = 0.0
        note = chain.note(index)
        if index:
            gap = (
                rhythm.tight
                if chain.tight
                else gap_between(box.part, rhythm)
            )
            if shifts(inner[index - 1].exits, box.entries):
                gap = max(gap, rhythm.loose)
        if gap:
            gap = max(gap, rhythm.note_gap) if note else gap
            arrow = not chain.tight and starts_with_box(box.part)
            between = pairs(inner[index - 1].exits, box.entries, y, gap)
            out.wires += [
                Wire(points, arrow, note="" if at else note)
                for at, points in enumerate(between)
            ]
        y += gap
        out.put(box, 0, y)
        y += box.height
    out.height = y
    if inner:
        out.entries = inner[0].entries
        out.exits = inner[-1].exits
    out.parts.append(Placed(chain, 0, 0, out.left, out.right, y))
    return out
