"""A fork through which streams run side by side → its units on a grid: a lane for each stream, a
level below those that a unit reads, and where streams are exchanged a straight line from each to
each.

The lanes of all such forks stand in the same places, so that a stream is one line through a net."""

from __future__ import annotations

from ....collecting import by_key
from ..content.parts import ENTRY, Fork, Link
from .geometry import Placed, Placement, Rhythm, Wire, pitch

BAND, BAND_STEP = 18.0, 13.0
"""The height in which streams are exchanged: of two, and for each more."""


def fits(fork: Fork, boxes: list[Placement], rhythm: Rhythm) -> bool:
    """Whether a fork is a grid whose boxes are no wider than its lanes."""
    room = pitch(rhythm) - 8
    return bool(fork.grid) and all(
        box.left + box.right < room for box in boxes
    )


def place_streams(
    fork: Fork, boxes: list[Placement], rhythm: Rhythm
) -> Placement:
    """The units in their lanes, level by level, and every link."""
    lanes = max(len(fork.exits), fork.entries, 1)
    tops = _tops(fork, boxes, rhythm, BAND + BAND_STEP * lanes)
    bottoms = {unit: top + boxes[unit].height for unit, top in tops.items()}
    y = max(bottoms.values())
    out = Placement(fork, 0, 0, y)
    for unit, (lane, _) in fork.grid.items():
        out.put(boxes[unit], lane * pitch(rhythm), tops[unit])
    out.wires += [
        _wire(fork, link, tops, bottoms, rhythm) for link in fork.links
    ]
    for lane, unit in enumerate(fork.exits):
        x = lane * pitch(rhythm)
        start = bottoms.get(unit, 0.0)
        if start < y:
            out.wires.append(Wire(((x, start), (x, y))))
    out.right = max(out.right, (lanes - 1) * pitch(rhythm) + 8)
    out.entries = _places(fork.entries, rhythm)
    out.exits = _places(len(fork.exits), rhythm)
    out.parts.append(Placed(fork, 0, 0, out.left, out.right, y))
    return out


def _tops(
    fork: Fork, boxes: list[Placement], rhythm: Rhythm, band: float
) -> dict[int, float]:
    """The upper side of each unit, level by level; above one in which streams are exchanged there
    is a band."""
    tops: dict[int, float] = {}
    y = 0.0
    levels = by_key((level, unit) for unit, (_, level) in fork.grid.items())
    for level, units in sorted(levels.items()):
        links = (link for link in fork.links if link.target in units)
        exchanged = level > 1 and any(
            _crosses(fork, link) for link in links
        )
        y += band if exchanged else rhythm.split + rhythm.after_split
        tops |= dict.fromkeys(units, y)
        y += max(boxes[unit].height for unit in units)
    return tops


def _places(lanes: int, rhythm: Rhythm) -> tuple[float, ...]:
    return tuple(lane * pitch(rhythm) for lane in range(lanes))


def _lane(fork: Fork, link: Link) -> int:
    """The lane that a link comes from."""
    return link.port if link.source == ENTRY else fork.grid[link.source][0]


def _crosses(fork: Fork, link: Link) -> bool:
    return _lane(fork, link) != fork.grid[link.target][0]


def _wire(
    fork: Fork,
    link: Link,
    tops: dict[int, float],
    bottoms: dict[int, float],
    rhythm: Rhythm,
) -> Wire:
    """Straight down a lane; from lane to lane in one straight line, or, of what flows in, across
    and then down."""
    start = bottoms.get(link.source, 0.0)
    end = tops[link.target]
    x = _lane(fork, link) * pitch(rhythm)
    to = fork.grid[link.target][0] * pitch(rhythm)
    dot = link.source == ENTRY and x != to
    turn = rhythm.split
    bend = ((x, turn), (to, turn)) if dot else ((x, start),)
    return Wire(
        (*bend, (to, end)),
        True,
        link.changes,
        dot=dot,
        name=link.name,
        title=link.title,
    )
