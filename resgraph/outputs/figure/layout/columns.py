"""The units of a fork → for each its column and its height, and for each link which way it goes.

Units are placed in reading order, each below all that it reads. What was placed is an obstacle to
what comes: no box is put where a link runs across, and no link is led across a box."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import inf

from msgspec import Struct

from ..content.parts import ENTRY, Link
from .geometry import ENTRY_RISE, Frame, gap_between, parts_at_once
from .routing import Way

PARTED_NOTE = 18.0
"""The room above a join for what is written below where links part."""
CLEAR = 5.0
"""The least distance of a link that runs across from a box, and from another such link."""


class Ground(Struct):
    """Boxes by their columns, and the links that run across, each at one height over a range of
    columns."""

    boxes: list[tuple[int, float, float]] = []
    rows: list[tuple[float, float, float]] = []

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
            if (
                low <= column <= high
                and top - CLEAR < at < top + height + CLEAR
            ):
                top = at + CLEAR
        return top


class Stacker:
    """Gives each unit its column and its height, in reading order, and says for each link which way
    it goes."""

    def __init__(self, frame: Frame, on_spine: set[int]) -> None:
        self.frame = frame
        self.on_spine = on_spine
        self.ins: dict[int, list[Link]] = defaultdict(list)
        self.outs: dict[int, list[Link]] = defaultdict(list)
        for link in frame.fork.links:
            self.ins[link.target].append(link)
            self.outs[link.source].append(link)
        self.waiting = Counter(link.source for link in frame.fork.links)
        # nothing stands below what leaves
        self.waiting.update(frame.fork.exits)
        entries = range(frame.fork.entries)
        self.occupied: dict[int, float] = dict.fromkeys(
            entries, frame.inset
        )
        self.last: dict[int, int] = {lane: ENTRY - lane for lane in entries}
        self.ground = Ground()
        # one column has no neighbours to run into
        self.alone = bool(frame.fork.breaks)

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
            self.occupied[column], self.last[column] = (
                self.frame.bottom(unit),
                unit,
            )
            ways.update(mine)
        self.centre_side_units(ways)
        return ways

    def settle(self, unit: int, column: int, ways: dict[Link, Way]) -> None:
        """Put a unit as high as it can stand and its links can run, and note both as obstacles."""
        frame = self.frame
        ground = self.ground
        frame.top[unit] = self.height(unit, column, ways)
        if self.alone:
            return
        # Each move down may meet a new obstacle: on until nothing is in the way of the box and its
        # links. It ends, as each move is past one of finitely many obstacles.
        before = -inf
        while before != frame.top[unit]:
            before = frame.top[unit]
            top = ground.free_stretch(
                column, before, frame.boxes[unit].height
            )
            frame.top[unit] = top
            for y, low, high in self.rows_into(
                unit, column, ways
            ) + self.row_out(unit, column):
                if low <= high:
                    frame.top[unit] += ground.free_row(y, low, high) - y
                if frame.top[unit] != before:
                    break
        ground.boxes.append((column, frame.top[unit], frame.bottom(unit)))
        rows = self.rows_into(unit, column, ways)
        ground.rows += [row for row in rows if row[1] <= row[2]]
        self.reserve_split(unit, column)

    def rows_into(
        self, unit: int, column: int, ways: dict[Link, Way]
    ) -> list[tuple[float, float, float]]:
        """Height and columns passed of the links that run across into a unit."""
        frame = self.frame
        out: list[tuple[float, float, float]] = []
        lanes = 0
        for link, way in ways.items():
            if way == "down":
                low, high = sorted((column, frame.of(link.source)))
                out.append((frame.centre(unit), low + 1, high - 1))
            elif way == "lane":
                rise = 0.0 if frame.is_join(unit) else ENTRY_RISE * lanes
                out.append((frame.lane_end(unit) - rise, column + 1, inf))
                lanes += 1
        return out

    def row_out(
        self, unit: int, column: int
    ) -> list[tuple[float, float, float]]:
        """Height and columns passed of the links that part below a unit."""
        return (
            [(self.frame.split(unit), column + 1, inf)]
            if len(self.outs[unit]) > 1
            else []
        )

    def reserve_split(self, unit: int, column: int) -> None:
        """Keep free the height at which a unit's links part."""
        self.ground.rows += self.row_out(unit, column)

    def free_column(self, unit: int) -> int:
        """The column under what the unit reads, or else the first at the right that nothing stands
        in the way of."""
        sources = [link.source for link in self.ins[unit]]
        for source in sources:
            column = self.frame.of(source)
            is_last = column and self.last[column] == source
            if is_last and source not in self.frame.fork.exits:
                return column
        start = max(
            map(self.frame.split, sources), default=self.frame.inset
        )
        column = 1
        while column in self.occupied and (
            self.occupied[column] > start
            or self.waiting[self.last[column]] > 0
        ):
            column += 1
        return column

    def ways_into(self, unit: int, column: int) -> dict[Link, Way]:
        """The way of each link into a unit; only one of them comes down from above."""
        out: dict[Link, Way] = {}
        for link in self.ins[unit]:
            way = self.way(link, column)
            out[link] = (
                "lane"
                if way == "across" and "across" in out.values()
                else way
            )
        return out

    def way(self, link: Link, column: int) -> Way:
        """How a link goes: straight down, down and then across into a join, across and then down,
        or by a lane."""
        frame = self.frame
        source = link.source
        from_column = frame.of(source)
        is_last = self.last[from_column] == source
        if from_column == column:
            return "straight" if is_last else "lane"
        if (
            frame.is_join(link.target)
            and is_last
            and not self._goes_on(link)
        ):
            return "down"
        # From the side, a unit is entered at its top, where another link may come straight down.
        entered = any(
            frame.of(other.source) == column
            for other in self.ins[link.target]
            if other is not link
        )
        free = self.occupied.get(column, -inf) <= frame.split(source)
        return "across" if free and not entered else "lane"

    def _goes_on(self, link: Link) -> bool:
        """Whether the spine goes on below the source of a link, so that the link cannot run down
        there."""
        return not self.frame.of(link.source) and any(
            other.target > link.target and other.target in self.on_spine
            for other in self.outs[link.source]
        )

    def height(
        self, unit: int, column: int, ways: dict[Link, Way]
    ) -> float:
        """The top of a unit: below all that it reads, with room for dots, corners and
        arrowheads."""
        frame = self.frame
        needs = [frame.inset, frame.fork.floors.get(unit, 0.0)]
        before = self.last.get(column, ENTRY)
        if before >= 0:
            needs.append(self.occupied[column] + self.gap(unit))
        needs += [self._below(link, way) for link, way in ways.items()]
        if "lane" in ways.values() and not frame.is_join(unit):
            # A lane comes back above the unit: its turn stands clear of what is there.
            turns = ENTRY_RISE * (list(ways.values()).count("lane") - 1)
            above = self.occupied.get(column, 0)
            needs.append(above + 2 * frame.rhythm.after_split + turns)
        return max(needs)

    def _below(self, link: Link, way: Way) -> float:
        """The least top that one link leaves to the unit that it enters."""
        frame = self.frame
        rhythm = self.frame.rhythm
        source = link.source
        parted = len(self.outs[source]) > 1
        base = frame.bottom(source)
        if way == "straight" and not parted:
            entered = source < 0 and frame.fork.entries == 1
            gap = 0 if entered else self.gap(link.target)
            return base + (max(gap, rhythm.note_gap) if link.note else gap)
        if not frame.is_join(link.target):
            # Room for the corner in which a link turns down, and one more where a lane comes back;
            # what is written beside a link stands clear of those that part from it.
            turns = rhythm.after_split * (1 + (way == "lane"))
            written = (
                rhythm.note_gap if link.note and way == "straight" else 0
            )
            return frame.split(source) + max(turns, written)
        below = (frame.split(source) if parted else base) + 2
        return below + self._above_join(link, way, parted)

    def _above_join(self, link: Link, way: Way, parted: bool) -> float:
        """The room that a link takes above the join that it enters."""
        frame = self.frame
        rhythm = self.frame.rhythm
        if way == "straight":
            return max(
                rhythm.before_join, PARTED_NOTE if link.note else 0.0
            )
        # A link enters a join from the side, at half its height: its corner needs room, and what is
        # written on it, or beside the unit, a line more.
        noted = link.note or (
            link.source in frame.fork.names and not parted
        )
        above = rhythm.join if noted and way == "down" else 0
        return above + rhythm.radius - frame.boxes[link.target].height / 2

    def gap(self, below: int) -> float:
        """The gap between a unit and the one above it on the same spine."""
        part = self.frame.boxes[below].part
        rhythm = self.frame.rhythm
        if below in self.frame.fork.breaks:
            return (
                rhythm.unit_gap_split
                if parts_at_once(part)
                else rhythm.unit_gap
            )
        if self.frame.is_join(below):
            return rhythm.before_join
        if len(self.frame.boxes[below].entries) > 1:
            return rhythm.loose
        return gap_between(part, rhythm)

    def centre_side_units(self, ways: dict[Link, Way]) -> None:
        """Move a unit that is alone in its column to the middle of the stretch that its links
        span."""
        frame = self.frame
        for column, unit in self.last.items():
            outs = self.outs[unit]
            alone = (
                column
                and frame.column.count(column) == 1
                and not frame.is_join(unit)
            )
            if not alone or len(outs) != 1 or ways[outs[0]] != "down":
                continue
            end = frame.centre(outs[0].target) - frame.rhythm.after_split
            slack = end - frame.bottom(unit)
            top = frame.top[unit] + slack / 2
            height = frame.boxes[unit].height
            if (
                slack > 0
                and self.ground.free_stretch(column, top, height) == top
            ):
                frame.top[unit] = top
