"""Layers and blocks one after another, with marks where a row begins that an output ends, or that
starts with an earlier one or with an equation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ...collecting import flatten
from ..captured import CapturedOp
from .streams import CutStreams, StreamBlock, flowing
from .structure import Branch, Mark, RegionItem, StepTree, leaves_of


class RowStart(Mark):
    """Where a row begins, which the value says that comes out of it or begins it."""

    op: Literal["row"] = "row"
    value: str


class CutNet(Struct):
    """Items with marks among them, and what rows start with, by their marks, that do not go on from
    the row before; and the rows of several streams, each of whose paths has a mark."""

    items: list[RegionItem]
    last: str  # the value that comes out of the last row
    starts: dict[str, StepTree] = {}
    streams: list[list[StreamBlock]] = []

    @property
    def flowing(self) -> set[str]:
        """The values that come out of their paths."""
        return flowing(self.streams)

    def goes_on(self, value: str) -> bool:
        """Whether a row begins with a stream."""
        start = self.starts.get(value)
        return any(start in row[-1].gives for row in self.streams)

    def ended(self, outputs: Collection[str]) -> CutNet:
        """With a mark behind each output but the last."""
        found: list[RegionItem] = []
        for item in self.items:
            found.append(item)
            if item.exit in outputs and item is not self.items[-1]:
                found.append(mark(f"after {item.exit}", item))
        return replace(self, items=found)

    def flow(
        self, streams: CutStreams, known: Mapping[str, CapturedOp]
    ) -> None:
        """Rows of several streams, and what is behind them."""
        for branch in streams.lead:
            self.add(branch, known)
        self.streams += streams.rows
        for row in streams.rows:
            for branch in flatten(block.branches for block in row):
                before = known[next(leaves_of(branch.start))]
                self.items += [mark(branch.value, before), *branch.items]
        self.last = "" if streams.rows else self.last
        for branch in streams.rest:
            self.add(branch, known)

    def add(self, branch: Branch, known: Mapping[str, CapturedOp]) -> None:
        """A row of its own."""
        start = branch.start
        assert start is not None
        read = start if isinstance(start, str) else start[0].name
        if start != self.last:
            self.starts[branch.value] = start
        self.items += [mark(branch.value, known[read]), *branch.items]
        self.last = branch.value

    def part(self, items: list[RegionItem]) -> None:
        """Where items end with a row's beginning that is an equation, which cannot be repeated,
        that is a row of its own."""
        begun = row_start(items[-1]) if items else None
        start = self.starts.get(begun.value) if begun else None
        if begun and isinstance(start, tuple):
            value = start[0].name
            self.starts[value] = self.starts.pop(begun.value)
            items.insert(-1, mark(value, items[-1]))


def row_start(item: RegionItem) -> RowStart | None:
    """The mark that an item is."""
    return item.op if isinstance(item.op, RowStart) else None


def mark(value: str, before: RegionItem | None) -> CapturedOp:
    """The beginning of a row behind an item; None where it is the first of the net."""
    shape = () if before is None else before.out
    return CapturedOp(f"{value}:row", RowStart(value=value), (), shape)
