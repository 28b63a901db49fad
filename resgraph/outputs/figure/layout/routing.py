"""The links of a fork whose units have their places → wires: straight, with one corner, or through
a lane."""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import inf
from typing import Literal

from ....collecting import by_key, flatten
from .. import text
from ..content.parts import Fork, Link
from ..scene import Point
from .geometry import (
    ENTRY_RISE,
    ENTRY_STEP,
    NAME_ROOM,
    Frame,
    Rhythm,
    Wire,
    heat_width,
    pairs,
    starts_with_box,
)
from .lanes import Lanes

_Entered = tuple[int, float]  # a unit, and where
Way = Literal["straight", "down", "across", "lane"]
PORT_STEP = 5.0
PILL_SIZE, PILL_HEIGHT, NOTE_SIZE = 9.5, 17.0, 9.75
_NOTE_GAP = 4.0
"""Between what stands beside a wire and a lane."""


def wires(frame: Frame, ways: dict[Link, Way]) -> list[Wire]:
    """All wires of a fork: what enters it, its links, and where links part a dot."""
    out: list[Wire] = []
    outs = by_key((link.source, link) for link in ways)
    for source, links in outs.items():
        out += _trunk(frame, source, [ways[link] for link in links])
        for link in links:
            if ways[link] == "straight":
                out += _straight(frame, link, len(links) > 1)
            elif ways[link] == "down":
                out.append(_down(frame, link, links, ways))
            elif ways[link] == "across":
                out.append(_across(frame, link, len(links) > 1))
    parted = {source for source, links in outs.items() if len(links) > 1}
    return [*out, *_in_lanes(frame, ways, parted, out)]


def _in_lanes(
    frame: Frame,
    ways: dict[Link, Way],
    parted: set[int],
    others: list[Wire],
) -> Iterator[Wire]:
    # Short links first, so that they take the inner lanes and cross no longer one.
    by_span = [link for link in ways if ways[link] == "lane"]
    by_span.sort(key=lambda link: _span(frame, link))
    entries = _Entries(frame, ways)
    entered = [(link, entries.take(link)) for link in by_span]
    stretches = (
        (link, frame.split(link.source), y) for link, (_, y) in entered
    )
    heights = flatten((*each[1:], *_noted(*each)) for each in stretches)
    lanes = _Lanes(frame, heights, others)
    for link, entry in entered:
        yield _lane(frame, link, lanes, entry, link.source in parted)


def names(frame: Frame) -> list[Wire]:
    """The names of units, each on the first stretch below its unit."""
    out = []
    for unit, name in frame.fork.names.items():
        x = frame.at(unit)
        y = frame.bottom(unit)
        out.append(
            Wire(((x, y), (x, y + NAME_ROOM)), note=name, named=True)
        )
    return out


def reach(wire: Wire, rhythm: Rhythm) -> tuple[float, float]:
    """The least and the greatest x that a wire and what stands on it cover."""
    xs = [x for x, _ in wire.points]
    right = max(xs)
    if wire.pill:
        x, _, width, _ = pill_box(wire)
        right = max(right, x + width)
    if wire.note:
        right = max(
            right, note_place(wire)[0] + text.width(wire.note, NOTE_SIZE)
        )
    return min(xs), right


def pill_box(wire: Wire) -> tuple[float, float, float, float]:
    """x, y, width and height of the pill on a wire: over its longest upright stretch, leaning away
    from the spine."""
    x, y0, y1 = upright(wire)
    width = (
        text.width(wire.pill, PILL_SIZE, 600) + 15 + heat_width(wire.heat)
    )
    left = max(x - width / 2, x - 13)
    return left, (y0 + y1) / 2 - PILL_HEIGHT / 2, width, PILL_HEIGHT


def note_place(wire: Wire) -> tuple[float, float]:
    """Where a note on a wire begins."""
    x, y0, y1 = upright(wire)
    return x + 8, (y0 + y1) / 2 + 3 + wire.shift


def note_box(wire: Wire) -> tuple[float, float, float, float]:
    """From where to where a note reaches, and between which heights."""
    left, base = note_place(wire)
    right = left + text.width(wire.note, NOTE_SIZE)
    return left, right, base - NOTE_SIZE, base + 2


def upright(wire: Wire) -> tuple[float, float, float]:
    """x and both ends of the longest upright stretch of a wire."""
    pairs = zip(wire.points, wire.points[1:], strict=False)
    (x, y0), (_, y1) = max(
        pairs,
        key=lambda p: (
            abs(p[0][1] - p[1][1]) - 1e6 * (abs(p[0][0] - p[1][0]) > 0.01)
        ),
    )
    return x, min(y0, y1), max(y0, y1)


def caption_room(fork: Fork) -> float:
    """How far a frame must reach to the left for its caption to stand beside the spine."""
    wide = max(
        text.width(fork.caption, 11, 600), text.width(fork.subcaption, 9.75)
    )
    return wide + 24 if fork.caption else 0


def totals_room(fork: Fork) -> float:
    """How far a frame reaches to the right of what flows in there, whose costs stand beyond it."""
    return (
        max(
            (text.width(said, 11, 600) for said in fork.totals), default=0.0
        )
        + 24
    )


def _wire(
    link: Link,
    points: tuple[tuple[float, float], ...],
    *,
    arrow: bool,
    dot: bool = False,
) -> Wire:
    return Wire(
        points, arrow, link.changes, link.shortcut, dot, link.pill, link.note, link.name,
        link.title, link.broken, link.named, link.heat,
    )  # fmt: skip


def _trunk(frame: Frame, source: int, ways: list[Way]) -> list[Wire]:
    """The stretch from a unit down to where its links part, and from a frame's edge to where its
    units begin."""
    x = frame.at(source)
    y = frame.bottom(source)
    out = []
    if source < 0 and frame.inset:
        out.append(Wire(((x, 0), (x, y))))
    if not {"straight", "down"} & set(ways):
        out.append(Wire(((x, y), (x, frame.split(source)))))
    return out


def _straight(frame: Frame, link: Link, parted: bool) -> list[Wire]:
    """Straight down, what is written there below where others part; of streams that run side by
    side, one wire each."""
    start = frame.bottom(link.source)
    height = frame.top[link.target] - start
    first, *beside = pairs(
        frame.starts(link), frame.ends(link), start, height
    )
    arrow = starts_with_box(frame.boxes[link.target].part)
    if parted and link.note:
        first = (
            first[0],
            (first[0][0], frame.split(link.source)),
            *first[1:],
        )
    return [_wire(link, first, arrow=arrow), *map(Wire, beside)]


def _side(frame: Frame, unit: int, x: float) -> float:
    """The x of the side of a join that faces x."""
    half = frame.boxes[unit].left + 1
    return frame.at(unit) + (half if x > frame.at(unit) else -half)


def _down(
    frame: Frame, link: Link, links: list[Link], ways: dict[Link, Way]
) -> Wire:
    """Down the source's column and across into a join; from a dot where the column goes on."""
    x = frame.at(link.source)
    y = frame.centre(link.target)
    corner = (x, y)
    end = (_side(frame, link.target, x), y)
    for other in links:
        lower = ways[other] == "down" and frame.centre(other.target) > y
        if other is not link and (ways[other] == "straight" or lower):
            return _wire(link, (corner, end), arrow=True, dot=True)
    start = (x, frame.bottom(link.source))
    return _wire(link, (start, corner, end), arrow=True)


def _across(frame: Frame, link: Link, parted: bool) -> Wire:
    """Across to the target's column, then down into it."""
    x = frame.at(link.source)
    y = frame.split(link.source)
    to = frame.ends(link)[0]
    top = frame.top[link.target]
    arrow = starts_with_box(frame.boxes[link.target].part) or frame.is_join(
        link.target
    )
    return _wire(
        link, ((x, y), (to, y), (to, top)), arrow=arrow, dot=parted
    )


def _ends(frame: Frame, link: Link) -> tuple[float, float]:
    """The heights at which a lane is entered and left."""
    return frame.split(link.source), frame.lane_end(link.target)


def _span(frame: Frame, link: Link) -> float:
    start, end = _ends(frame, link)
    return end - start


def _lane(
    frame: Frame,
    link: Link,
    lanes: _Lanes,
    entry: tuple[float, float],
    parted: bool,
) -> Wire:
    """To the right of everything between, then down, then back to where it enters."""
    start = frame.split(link.source)
    to, end = entry
    port = frame.starts(link)[0]
    x = lanes.take(start, end, link, port)
    begin: tuple[Point, ...] = ((port, start),)
    if port > frame.at(link.source):
        # the stream that is nearest to its lane turns first, so that none crosses another there
        beyond = len(frame.exits(link.source)) - 1 - link.port
        start += PORT_STEP * (link.port if x < port else beyond)
        begin = ((port, frame.bottom(link.source)), (port, start))
        parted = False
    back = [(to, end), (to, frame.top[link.target])]
    if frame.is_join(link.target):
        back = [(_side(frame, link.target, x), end)]
    points = tuple(dict.fromkeys((*begin, (x, start), (x, end), *back)))
    arrow = len(frame.boxes[link.target].entries) == 1
    return _wire(link, points, arrow=arrow, dot=parted)


class _Entries:
    """Where lanes enter units: those into one box side by side, the first of them lowest and
    furthest to the right, so that none crosses another there."""

    def __init__(self, frame: Frame, ways: dict[Link, Way]) -> None:
        self.frame = frame
        self.lanes = Counter(
            self._entered(link)
            for link, way in ways.items()
            if way == "lane"
        )
        self.others = {
            self._entered(link)
            for link, way in ways.items()
            if way != "lane"
        }
        self.taken: Counter[_Entered] = Counter()

    def _entered(self, link: Link) -> _Entered:
        return link.target, self.frame.ends(link)[0]

    def take(self, link: Link) -> tuple[float, float]:
        """The x and the height at which the next lane turns down into a unit, or meets a join."""
        unit, x = entered = self._entered(link)
        y = self.frame.lane_end(unit)
        rank = self.taken[entered]
        count = self.lanes[entered]
        self.taken[entered] += 1
        if self.frame.is_join(unit) or count == 1:
            return x, y
        # beside what comes straight down, or about the middle
        middle = -1.0 if entered in self.others else (count - 1) / 2
        x += ENTRY_STEP * (count - 1 - rank - middle)
        return x, y - ENTRY_RISE * rank


class _Lanes:
    """The lanes at the right of a fork: each link takes the innermost that is free along its
    way."""

    def __init__(
        self,
        frame: Frame,
        heights: Iterable[float],
        others: Iterable[Wire],
    ) -> None:
        self.frame = frame
        # what stands beside wires that need no lane, from the innermost on
        self.notes = sorted(
            map(note_box, (each for each in others if each.note))
        )
        boxes: dict[float, list[tuple[float, float, int]]] = defaultdict(
            list
        )
        for unit, box in enumerate(frame.boxes):
            ends = frame.bottom(unit), frame.top[unit], unit
            boxes[frame.at(unit) + box.right].append(ends)
        # right sides from the outermost on, and what ends there, from the top on
        self.boxes = [
            (right, sorted(boxes[right])) for right in sorted(boxes)[::-1]
        ]
        self.lanes = Lanes(frame.rhythm.lane_step, heights)

    def take(
        self, start: float, end: float, link: Link, port: float
    ) -> float:
        """The x of a lane from `start` to `end` that clears every unit and every lane on the
        way; right below the port from which it comes, where that is hardly further out."""
        frame = self.frame
        rhythm = self.frame.rhythm
        own = (link.source, link.target)
        reaches = (
            right
            for right, boxes in self.boxes
            for _, top, unit in boxes[bisect(boxes, (start, inf)) :]
            if top < end and unit not in own
        )
        x = next(reaches, None)
        x = (max(map(frame.at, own)) if x is None else x) + rhythm.lane
        x = port if x < port < x + rhythm.lane_step else x
        for left, right, top, bottom in self.notes:
            if (
                left < x < right + _NOTE_GAP
                and top < end
                and bottom > start
            ):
                x = right + _NOTE_GAP
        x = self.lanes.free(x, start, end)
        self.lanes.take(x, start, end)
        # no lane runs through what stands there
        if noted := _noted(link, start, end):
            step = rhythm.lane_step
            room = 8 + text.width(link.note, NOTE_SIZE)
            for beside in range(1, 1 + int(room / step)):
                self.lanes.take(x + beside * step, *noted)
        return x


def _noted(link: Link, start: float, end: float) -> tuple[float, ...]:
    """The heights between which a note stands beside a lane, if one does."""
    if not link.note or link.named:
        return ()
    middle = (start + end) / 2
    return middle - 8, middle + 8
