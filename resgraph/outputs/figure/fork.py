"""A fork and the layouts of its units → columns, heights and the routes of its links.

The spine is the weightiest path from the entry to the result. Other units stand in columns beside it; a link whose way
is blocked runs in a lane to the right of all that it passes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from . import route
from .layout import Placed, Placement, Rhythm, Wire
from .parts import ENTRY, Chain, Fork, Join, Link, Part, Tile


@dataclass(slots=True)
class Frame:
    """Where a fork's units stand: for each unit its column and top, for each column its x."""

    fork: Fork
    boxes: list[Placement]
    rhythm: Rhythm
    inset: float
    column: list[int]
    top: list[float]
    x: dict[int, float]

    def bottom(self, unit: int) -> float:
        """The lower side of a unit, or of the entry."""
        return self.inset if unit < 0 else self.top[unit] + self.boxes[unit].height

    def at(self, unit: int) -> float:
        """The x of a unit's spine."""
        return 0.0 if unit < 0 else self.x[self.column[unit]]

    def of(self, unit: int) -> int:
        """The column of a unit; the entry is above the spine."""
        return 0 if unit < 0 else self.column[unit]

    def is_join(self, unit: int) -> bool:
        """Whether links may enter a unit from its sides."""
        return isinstance(self.boxes[unit].part, Join)

    def centre(self, unit: int) -> float:
        """The height at which links enter a join."""
        return self.top[unit] + self.boxes[unit].height / 2


def place_fork(fork: Fork, boxes: list[Placement], rhythm: Rhythm) -> Placement:
    """A fork laid out: units in columns, links routed, framed where it has a frame."""
    inset = rhythm.frame_pad + rhythm.frame_head if fork.frame else 0.0
    frame = Frame(fork, boxes, rhythm, inset, [0] * len(boxes), [0.0] * len(boxes), {0: 0.0})
    on_spine = set(range(len(boxes))) if fork.breaks else spine(fork, [box.height for box in boxes])
    ways = _Stacker(frame, on_spine).stack()
    _spread(frame)
    out = Placement(fork, 0, 0, max((frame.bottom(u) for u in range(len(boxes))), default=inset))
    for unit, box in enumerate(boxes):
        out.put(box, frame.at(unit), frame.top[unit])
    wires = route.wires(frame, ways)
    out.wires += wires
    end = out.height + (rhythm.frame_pad if fork.frame else 0)
    if end > frame.bottom(fork.result) + 0.01:
        out.wires.append(Wire(((0, frame.bottom(fork.result)), (0, end))))
    out.height = end
    for wire in wires:
        left, right = route.reach(wire, rhythm)
        out.left, out.right = max(out.left, -left), max(out.right, right)
    if fork.frame:
        out.left, out.right = out.left + rhythm.frame_pad, out.right + rhythm.frame_pad
        out.left = max(out.left, route.caption_room(fork))
    out.parts.append(Placed(fork, 0, 0, out.left, out.right, out.height))
    return out


def spine(fork: Fork, heights: list[float]) -> set[int]:
    """The units of the highest path from the entry to the result; of a product, only the first factor counts."""
    score: dict[int, float] = {ENTRY: 0.0}
    before: dict[int, int] = {}
    sources: dict[int, list[int]] = defaultdict(list)
    for link in fork.links:
        sources[link.target].append(link.source)
    for unit, part in enumerate(fork.units):
        choices = sources[unit]
        if isinstance(part, Join) and part.symbol == "×":
            choices = choices[:1]
        best = max(choices, key=lambda source: score[source], default=ENTRY)
        before[unit] = best
        score[unit] = score[best] + (0 if unit in fork.side else heights[unit] + 1)
    out, unit = set(), fork.result
    while unit >= 0:
        out.add(unit)
        unit = before[unit]
    return out


def spine_of(fork: Fork) -> set[int]:
    """The spine of a fork that is not laid out: the longest path counts, by what its units hold."""
    sizes = {id(part): 1.0 for part in fork.units}
    for part in fork.units:
        stack: list[Part] = [part]
        while stack:
            top = stack.pop()
            inner = top.parts if isinstance(top, Chain) else top.units if isinstance(top, Fork) else []
            stack += inner
            sizes[id(part)] += len(top.rows) if isinstance(top, Tile) else 1
    return spine(fork, [sizes[id(part)] for part in fork.units])


class _Stacker:
    """Gives each unit its column and its height, in reading order, and says for each link which way it goes."""

    def __init__(self, frame: Frame, on_spine: set[int]) -> None:
        self.frame, self.on_spine = frame, on_spine
        self.ins: dict[int, list[Link]] = defaultdict(list)
        self.outs: dict[int, list[Link]] = defaultdict(list)
        for link in frame.fork.links:
            self.ins[link.target].append(link)
            self.outs[link.source].append(link)
        self.waiting = {source: len(links) for source, links in self.outs.items()}
        self.occupied: dict[int, float] = {0: frame.inset}
        self.last: dict[int, int] = {0: ENTRY}

    def stack(self) -> dict[Link, route.Way]:
        """Place every unit; the way of each link."""
        ways: dict[Link, route.Way] = {}
        for unit in range(len(self.frame.boxes)):
            column = 0 if unit in self.on_spine else self.free_column(unit)
            self.frame.column[unit] = column
            mine = {link: self.way(link, column) for link in self.ins[unit]}
            self.frame.top[unit] = self.height(unit, column, mine)
            for link, way in mine.items():
                if way == "down":
                    source = self.frame.of(link.source)
                    self.occupied[source] = max(self.occupied[source], self.frame.centre(unit))
                self.waiting[link.source] -= 1
            self.occupied[column], self.last[column] = self.frame.bottom(unit), unit
            ways.update(mine)
        self.centre_side_units(ways)
        return ways

    def split(self, source: int) -> float:
        """The height at which links part below a unit."""
        return self.frame.bottom(source) + self.frame.rhythm.split

    def free_column(self, unit: int) -> int:
        """The column under what the unit reads, or else the first at the right that nothing stands in the way of."""
        for link in self.ins[unit]:
            column = self.frame.of(link.source)
            if column and self.last[column] == link.source:
                return column
        start = max((self.split(link.source) for link in self.ins[unit]), default=self.frame.inset)
        column = 1
        while column in self.occupied and (self.occupied[column] > start or self.waiting.get(self.last[column], 0) > 0):
            column += 1
        return column

    def way(self, link: Link, column: int) -> route.Way:
        """How a link goes: straight down, down and then across into a join, across and then down, or by a lane."""
        frame, source = self.frame, link.source
        from_column = frame.of(source)
        clear = self.last[from_column] == source and self.occupied[from_column] <= frame.bottom(source) + 0.01
        if from_column == column:
            return "straight" if self.last[column] == source else "lane"
        if frame.is_join(link.target) and (clear or self.last[from_column] == source):
            return "down"
        others = any(frame.of(other.source) == column for other in self.ins[link.target] if other is not link)
        if not others and self.occupied.get(column, float("-inf")) <= self.split(source):
            return "across"
        return "lane"

    def height(self, unit: int, column: int, ways: dict[Link, route.Way]) -> float:
        """The top of a unit: below all that it reads, with room for dots, corners and arrowheads."""
        frame, rhythm = self.frame, self.frame.rhythm
        join, half = frame.is_join(unit), frame.boxes[unit].height / 2
        need = max(frame.inset, frame.fork.floors.get(unit, 0.0))
        if column in self.last and self.last[column] != ENTRY:
            need = max(need, self.occupied[column] + self.gap(self.last[column], unit))
        for link, way in ways.items():
            base, parted = frame.bottom(link.source), len(self.outs[link.source]) > 1
            if way == "straight" and not parted:
                gap = 0 if link.source < 0 else self.gap(link.source, unit)
                need = max(need, base + (max(gap, rhythm.note_gap) if link.note else gap))
            elif join:
                below = base + (rhythm.split if parted else 0)
                need = max(
                    need,
                    below
                    + (rhythm.before_join if way == "straight" else rhythm.radius)
                    + 2
                    - half * (way != "straight"),
                )
            else:
                room = rhythm.after_split + (rhythm.after_split if way == "lane" else 0)
                need = max(need, base + rhythm.split + room)
            if way == "lane" and not join:
                need = max(need, self.occupied.get(column, 0) + 2 * rhythm.after_split)
        return need

    def gap(self, above: int, below: int) -> float:
        """The gap between two units on the same spine."""
        from .layout import gap_between, parts_at_once

        boxes, rhythm = self.frame.boxes, self.frame.rhythm
        if below in self.frame.fork.breaks:
            return rhythm.unit_gap_split if parts_at_once(boxes[below].part) else rhythm.unit_gap
        if self.frame.is_join(below):
            return rhythm.before_join
        return gap_between(boxes[above].part, boxes[below].part, rhythm)

    def centre_side_units(self, ways: dict[Link, route.Way]) -> None:
        """Move a unit that is alone in its column to the middle of the stretch that its links span."""
        frame = self.frame
        for column, unit in self.last.items():
            outs = self.outs[unit]
            if not column or frame.column.count(column) != 1 or frame.is_join(unit) or len(outs) != 1:
                continue
            slack = frame.centre(outs[0].target) - frame.rhythm.after_split - frame.bottom(unit)
            if ways[outs[0]] == "down" and slack > 0:
                frame.top[unit] += slack / 2


def _spread(frame: Frame) -> None:
    """Give each column its x: one to the right of the other, or on both sides of the spine where they are many."""
    gap = frame.rhythm.column_gap
    sizes: dict[int, tuple[float, float]] = {}
    for unit, box in enumerate(frame.boxes):
        left, right = sizes.get(frame.column[unit], (0.0, 0.0))
        sizes[frame.column[unit]] = max(left, box.left), max(right, box.right)
    sides = [column for column in sorted(sizes) if column]
    reach_left, reach_right = sizes.get(0, (0.0, 0.0))
    for index, column in enumerate(sides):
        left, right = sizes[column]
        if len(sides) > 2 and index % 2:
            frame.x[column] = -(reach_left + gap + right)
            reach_left += gap + left + right
        else:
            frame.x[column] = reach_right + gap + left
            reach_right += gap + left + right
