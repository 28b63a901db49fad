"""Stretches of height, one after another → for each the innermost column that is free along it.

Sets of columns are the bits of whole numbers. A net whose rows all read all has as many columns as
half its links, so none is looked at by itself: those that a stretch meets are found at once, and
so is the end of a run of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache


class Lanes:
    """Columns that are at least `step` apart where both are taken. Every height must be one of
    `heights`."""

    def __init__(self, step: float, heights: Iterable[float]) -> None:
        self.step = step
        # from the innermost on
        self.columns: list[float] = []
        # those of which the next one is a step further out
        self.followed = 0
        self.taken = _Stretches(heights)

    def free(self, x: float, low: float, high: float) -> float:
        """The innermost column from x on that is free from `low` to `high`."""
        place = bisect_left(self.columns, x - self.step)
        met = self.taken.within(low, high) >> place
        while met:
            skipped = _zeros(met)
            place += skipped
            met >>= skipped
            other = self.columns[place]
            if other - x >= self.step:
                break
            run = 0
            if x - other < self.step:
                x = other + self.step
                if run := _zeros(~(met & self.followed >> place)):
                    x = self.columns[place + run]
            place += run or 1
            met >>= run or 1
        return x

    def take(self, x: float, low: float, high: float) -> None:
        """Nothing that comes is to be nearer to a column from `low` to `high`."""
        place = bisect_left(self.columns, x)
        if self.columns[place : place + 1] != [x]:
            insort(self.columns, x)
            if place < len(self.columns) - 1:
                self.taken.widen(place)
                self.followed = _widened(self.followed, place)
            for at in (max(0, place - 1), place):
                self._note_followed(at)
        self.taken.add(low, high, 1 << place)

    def _note_followed(self, place: int) -> None:
        there = self.columns[place] + self.step
        follows = self.columns[place + 1 : place + 2] == [there]
        self.followed = self.followed & ~(1 << place) | follows << place


class _Stretches:
    """Which columns are taken somewhere between two heights: a segment tree over the heights, whose
    node n has the nodes 2n and 2n + 1 below it."""

    def __init__(self, heights: Iterable[float]) -> None:
        self.leaves = {
            height: leaf for leaf, height in enumerate(sorted({*heights}))
        }
        self.first = 1 << len(self.leaves).bit_length()
        # the columns that are taken all along a node, and those that are somewhere in it
        self.along: dict[int, int] = defaultdict(int)
        self.inside: dict[int, int] = defaultdict(int)
        # a stretch is looked at before it is taken
        self.nodes = lru_cache(1)(self._nodes)

    def add(self, low: float, high: float, columns: int) -> None:
        """Take columns from `low` to `high`."""
        parts, above = self.nodes(low, high)
        for node in parts:
            self.along[node] |= columns
            self.inside[node] |= columns
        for node in above:
            self.inside[node] |= columns

    def within(self, low: float, high: float) -> int:
        """The columns that are taken somewhere from `low` to `high`."""
        found = 0
        parts, above = self.nodes(low, high)
        for node in parts:
            found |= self.inside.get(node, 0)
        for node in above:
            found |= self.along.get(node, 0)
        return found

    def widen(self, place: int) -> None:
        """Make room for a new column at a place."""
        for columns in (self.along, self.inside):
            for node, found in columns.items():
                columns[node] = _widened(found, place)

    def _nodes(
        self, low: float, high: float
    ) -> tuple[list[int], list[int]]:
        """The largest nodes that make up a stretch, and those that hold an end of it."""
        left = self.first + self.leaves[low]
        right = self.first + self.leaves[high]
        node, last = left, right - 1
        parts, above = [], []
        while left < right:
            if left % 2:
                parts.append(left)
            if right % 2:
                parts.append(right - 1)
            left = (left + 1) // 2
            right //= 2
        while node != last:
            above += [node, last]
            node //= 2
            last //= 2
        while node:
            above.append(node)
            node //= 2
        return parts, above


def _zeros(bits: int) -> int:
    """How many of the lowest bits are 0."""
    return (bits & -bits).bit_length() - 1


def _widened(bits: int, place: int) -> int:
    """The bits with a 0 put in at a place."""
    if not bits >> place:
        return bits
    return bits & ((1 << place) - 1) | bits >> place << place + 1
