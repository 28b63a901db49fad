"""The units of a fork → for each its column and its height, and for each link which way it goes.

Units are placed in reading order, each below all that it reads. What was placed is an obstacle to
what comes: no box is put where a link runs across, and no link is led across a box."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

from ..content.parts import ENTRY, Link
from .geometry import Frame, gap_between, parts_at_once
from .routing import Way

CLEAR = 5.0
"""The least distance of a link that runs across from a box, and from another such link."""


@dataclass(slots=True)
class Ground:
    """Boxes by their columns, and the links that run across, each at one height over a range of
    columns."""

    boxes: list[tuple[int, float, float]] = field(default_factory=list)
    rows: list[tuple[float, float, float]] = field(default_factory=list)

    def free_row(self, y: float, low: float, high: float) -> float:
        """The least height from `y` on at which a link can run across all columns from `low` to
        `high`."""
        blocked = [
            (top - CLEAR, bottom + CLEAR)
            for column, top, bottom in self.boxes
            if low <= column <= high
        ]
        blocked += [
            (at - CLEAR, at + CLEAR)
            for at, lo, hi in self.rows
            if lo <= high + 1 and hi >= low - 1
        ]
        for top, bottom in sorted(blocked):
            if top < y < bottom:
                y = bottom
        return y

    def free_stretch(self, column: int, top: float, height: float) -> float:
        """The least top from `top` on at which a box of a height can stand in a column."""
        for at, low, high in sorted(self.rows):
            if low <= column <= high and top - CLEAR < at < top + height + CLEAR:
                top = at + CLEAR
        return top


class Stacker:
    """Gives each unit its column and its height, in reading order, and says for each link which way
    it goes."""

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
        self.ground = Ground()
        self.alone = bool(frame.fork.breaks)  # one column has no neighbours to run into

    def stack(self) -> dict[Link, Way]:
        """Place every unit; the way of each link."""
        ways: dict[Link, Way] = {}
        self.reserve_split(ENTRY, 0)
        for unit in range(len(self.frame.boxes)):
            column = 0 if unit in self.on_spine else self.free_column(unit)
            self.frame.column[unit] = column
            mine = self.ways_into(unit, column)
            self.settle(unit, column, mine)
            for link, way in mine.items():
                if way == "down":
                    source = self.frame.of(link.source)
                    self.occupied[source] = max(
                        self.occupied[source], self.frame.centre(unit)
                    )
                self.waiting[link.source] -= 1
            self.occupied[column], self.last[column] = self.frame.bottom(unit), unit
            ways.update(mine)
        self.centre_side_units(ways)
        return ways

    def settle(self, unit: int, column: int, ways: dict[Link, Way]) -> None:
        """Put a unit as high as it can stand and its links can run, and note both as obstacles."""
        frame = self.frame
        frame.top[unit] = self.height(unit, column, ways)
        if self.alone:
            return
        before = -inf
        while before != frame.top[unit]:
            before = frame.top[unit]
            frame.top[unit] = self.ground.free_stretch(
                column, before, frame.boxes[unit].height
            )
            for y, low, high in [
                *self.rows_into(unit, column, ways),
                *self.row_out(unit, column),
            ]:
                frame.top[unit] += (
                    self.ground.free_row(y, low, high) - y if low <= high else 0
                )
                if frame.top[unit] != before:
                    break
        self.ground.boxes.append((column, frame.top[unit], frame.bottom(unit)))
        self.ground.rows += [
            row for row in self.rows_into(unit, column, ways) if row[1] <= row[2]
        ]
        self.reserve_split(unit, column)

    def rows_into(
        self, unit: int, column: int, ways: dict[Link, Way]
    ) -> list[tuple[float, float, float]]:
        """Height and columns passed of the links that run across into a unit."""
        frame = self.frame
        out: list[tuple[float, float, float]] = []
        for link, way in ways.items():
            if way == "down":
                ends = sorted((column, frame.of(link.source)))
                out.append((frame.centre(unit), ends[0] + 1, ends[1] - 1))
            elif way == "lane":
                y = (
                    frame.centre(unit)
                    if frame.is_join(unit)
                    else frame.top[unit] - frame.rhythm.after_split
                )
                out.append((y, column + 1, inf))
        return out

    def row_out(self, unit: int, column: int) -> list[tuple[float, float, float]]:
        """Height and columns passed of the links that part below a unit."""
        return [(self.split(unit), column + 1, inf)] if len(self.outs[unit]) > 1 else []

    def reserve_split(self, unit: int, column: int) -> None:
        """Keep free the height at which a unit's links part."""
        self.ground.rows += self.row_out(unit, column)

    def split(self, source: int) -> float:
        """The height at which links part below a unit."""
        return self.frame.split(source)

    def free_column(self, unit: int) -> int:
        """The column under what the unit reads, or else the first at the right that nothing stands
        in the way of."""
        for link in self.ins[unit]:
            column = self.frame.of(link.source)
            if column and self.last[column] == link.source:
                return column
        start = max(
            (self.split(link.source) for link in self.ins[unit]),
            default=self.frame.inset,
        )
        column = 1
        while column in self.occupied and (
            self.occupied[column] > start or self.waiting.get(self.last[column], 0) > 0
        ):
            column += 1
        return column

    def ways_into(self, unit: int, column: int) -> dict[Link, Way]:
        """The way of each link into a unit; only one of them comes down from above."""
        out: dict[Link, Way] = {}
        for link in self.ins[unit]:
            way = self.way(link, column)
            out[link] = "lane" if way == "across" and "across" in out.values() else way
        return out

    def way(self, link: Link, column: int) -> Way:
        """How a link goes: straight down, down and then across into a join, across and then down,
        or by a lane."""
        frame, source = self.frame, link.source
        from_column, is_last = frame.of(source), self.last[frame.of(source)] == source
        if from_column == column:
            return "straight" if is_last else "lane"
        goes_on = not from_column and any(
            other.target > link.target and other.target in self.on_spine
            for other in self.outs[source]
        )
        if frame.is_join(link.target) and is_last and not goes_on:
            return "down"
        others = any(
            frame.of(other.source) == column
            for other in self.ins[link.target]
            if other is not link
        )
        if not others and self.occupied.get(column, -inf) <= self.split(source):
            return "across"
        return "lane"

    def height(self, unit: int, column: int, ways: dict[Link, Way]) -> float:
        """The top of a unit: below all that it reads, with room for dots, corners and
        arrowheads."""
        frame, rhythm = self.frame, self.frame.rhythm
        join, half = frame.is_join(unit), frame.boxes[unit].height / 2
        need = max(frame.inset, frame.fork.floors.get(unit, 0.0))
        if column in self.last and self.last[column] != ENTRY:
            need = max(need, self.occupied[column] + self.gap(self.last[column], unit))
        for link, way in ways.items():
            base, parted = frame.bottom(link.source), len(self.outs[link.source]) > 1
            if way == "straight" and not parted:
                gap = 0 if link.source < 0 else self.gap(link.source, unit)
                need = max(
                    need, base + (max(gap, rhythm.note_gap) if link.note else gap)
                )
            elif join:
                below = (self.split(link.source) if parted else base) + 2
                noted = link.note or (link.source in frame.fork.names and not parted)
                below += rhythm.join if noted and way == "down" else 0
                need = max(
                    need,
                    below
                    + (
                        rhythm.before_join
                        if way == "straight"
                        else rhythm.radius - half
                    ),
                )
            else:
                room = rhythm.after_split + (rhythm.after_split if way == "lane" else 0)
                need = max(need, self.split(link.source) + room)
            if way == "lane" and not join:
                need = max(need, self.occupied.get(column, 0) + 2 * rhythm.after_split)
        return need

    def gap(self, above: int, below: int) -> float:
        """The gap between two units on the same spine."""
        boxes, rhythm = self.frame.boxes, self.frame.rhythm
        if below in self.frame.fork.breaks:
            return (
                rhythm.unit_gap_split
                if parts_at_once(boxes[below].part)
                else rhythm.unit_gap
            )
        if self.frame.is_join(below):
            return rhythm.before_join
        return gap_between(boxes[above].part, boxes[below].part, rhythm)

    def centre_side_units(self, ways: dict[Link, Way]) -> None:
        """Move a unit that is alone in its column to the middle of the stretch that its links
        span."""
        frame = self.frame
        for column, unit in self.last.items():
            outs = self.outs[unit]
            if (
                not column
                or frame.column.count(column) != 1
                or frame.is_join(unit)
                or len(outs) != 1
            ):
                continue
            slack = (
                frame.centre(outs[0].target)
                - frame.rhythm.after_split
                - frame.bottom(unit)
            )
            top = frame.top[unit] + slack / 2
            free = (
                self.ground.free_stretch(column, top, frame.boxes[unit].height) == top
            )
            if ways[outs[0]] == "down" and slack > 0 and free:
                frame.top[unit] = top
