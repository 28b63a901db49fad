"""A net that is drawn op by op → columns of about equal height, which are read from left to right.

It is broken where all that flows runs through one line of its spine, so that what stands in two
columns is joined by one line from the foot of the one to the head of the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import inf, sqrt

from msgspec.structs import replace

from ....structs import Frozen
from ..layout.geometry import Placed, Placement, Wire
from ..scene import Line, Point
from .row_annotations import Band

TALL = 2400.0
"""A figure is broken above this height, in pixels: two screens."""
_STUB, _NOTED, _BEND = 26.0, 46.0, 18.0
"""How much of a broken line is left at either end, and where something is written on it; and on how
much of it another line bends."""


class NetColumn(Frozen):
    """A stretch of a placement as a placement of its own: what stood from `top` to `bottom`, with
    `start` at its top."""

    placement: Placement
    start: float
    top: float
    bottom: float

    def bands(self, bands: Sequence[Band]) -> list[Band]:
        """The rows that stand in it, as far as they do."""
        return [
            replace(
                band,
                top=max(band.top, self.top) - self.start,
                bottom=min(band.bottom, self.bottom) - self.start,
                blocks=[
                    (middle - self.start, block)
                    for middle, block in band.blocks
                    if self.top <= middle <= self.bottom
                ],
                again=band.top < self.top,
            )
            for band in bands
            if band.top < self.bottom and band.bottom > self.top
        ]


def pieces(whole: Placement, width: float) -> list[NetColumn]:
    """The columns of a figure of that width: as many as make it about square."""
    count = round(sqrt(whole.height / width)) if whole.height > TALL else 1
    broken = _broken(whole, count)
    if not broken:
        return [NetColumn(whole, 0.0, -inf, inf)]
    ends = pairwise([None, *broken, None])
    return [_piece(whole, above, below) for above, below in ends]


def joints(
    columns: Sequence[NetColumn], spine: float, width: float, top: float
) -> list[Line]:
    """The lines from the foot of each column to the head of the next, between both."""
    out = []
    for place, one in enumerate(columns[:-1]):
        left = spine + place * width
        edge = (place + 1) * width
        foot = top + one.placement.height
        points: tuple[Point, ...] = (
            (left, foot - _BEND), (left, foot), (edge, foot), (edge, top), (left + width, top),
            (left + width, top + _BEND),
        )  # fmt: skip
        out.append(Line(points, "edge", radius=9))
    return out


def _broken(whole: Placement, count: int) -> list[Wire]:
    """The lines at which to break: those next to equal heights."""
    lines = _lines(whole) if count > 1 else []
    middles = [*map(_middle, lines)]
    chosen = set()
    for place in range(1, count if lines else 1):
        goal = whole.height * place / count
        gaps = [abs(middle - goal) for middle in middles]
        chosen.add(gaps.index(min(gaps)))
    return [lines[at] for at in sorted(chosen)]


def _lines(whole: Placement) -> list[Wire]:
    """From top to bottom, the lines on the spine that have nothing beside them."""
    drawn = [wire for wire in whole.wires if wire.is_drawn]
    spans = [(part.y, part.bottom) for part in whole.parts if part.is_seen]
    spans += map(_span, drawn)
    starts = sorted(top for top, _ in spans)
    ends = sorted(end for _, end in spans)

    def is_alone(y: float) -> bool:
        return bisect_right(starts, y) - bisect_left(ends, y) == 1

    found = [
        wire
        for wire in drawn
        if _is_spine(wire) and is_alone(_middle(wire))
    ]
    return sorted(found, key=_middle)


def _span(wire: Wire) -> tuple[float, float]:
    heights = [y for _, y in wire.points]
    return min(heights), max(heights)


def _is_spine(wire: Wire) -> bool:
    """Whether it runs along the spine, and nothing parts from it."""
    return not wire.dot and all(abs(x) < 0.01 for x, _ in wire.points)


def _middle(wire: Wire) -> float:
    return (wire.points[0][1] + wire.points[-1][1]) / 2


def _piece(
    whole: Placement, above: Wire | None, below: Wire | None
) -> NetColumn:
    """What stands between two broken lines, or an end and one, and what is left of them."""
    start = 0.0
    top = -inf
    head = []
    if above:
        x, top = above.points[-1]
        start = top - (_NOTED if above.note else _STUB)
        head = [replace(above, points=((x, start), (x, top)))]
    end = whole.height
    bottom = inf
    foot = []
    if below:
        x, bottom = below.points[0]
        end = bottom + _STUB
        foot = [Wire(((x, bottom), (x, end)))]
    out = Placement(whole.part, whole.left, whole.right, end - start)
    out.parts = [
        part.moved(0, -start) for part in _parts(whole, top, bottom)
    ]
    wires = [*head, *_wires(whole, top, bottom), *foot]
    out.wires = [wire.moved(0, -start) for wire in wires]
    return NetColumn(out, start, top, bottom)


def _parts(whole: Placement, top: float, bottom: float) -> list[Placed]:
    return [
        part
        for part in whole.parts
        if top <= part.y and part.bottom <= bottom
    ]


def _wires(whole: Placement, top: float, bottom: float) -> list[Wire]:
    spans = zip(whole.wires, map(_span, whole.wires), strict=True)
    return [
        wire for wire, (high, low) in spans if top <= high and low <= bottom
    ]
