"""Layers and blocks one after another, with marks where a row begins that an output ends, or that
starts with an earlier one or with an equation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ...ops import Op, Shape
from ...ops.base import Family
from ..captured import CapturedOp
from .structure import Branch, RegionItem, StepTree, exit_of, shape_of


class RowStart(Op):
    """Where a row begins, which the value says that comes out of it or begins it."""

    family: ClassVar[Family] = "shape"
    in_label = False
    op: Literal["row"] = "row"
    value: str

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(slots=True)
class CutNet:
    """Items with marks among them, and what rows start with, by their marks, that do not go on from
    the row before."""

    items: list[RegionItem]
    last: str  # the value that comes out of the last row
    starts: dict[str, StepTree] = field(default_factory=dict)

    def ended(self, outputs: Collection[str]) -> CutNet:
        """With a mark behind each output but the last."""
        found: list[RegionItem] = []
        for item in self.items:
            found.append(item)
            if exit_of(item) in outputs and item is not self.items[-1]:
                found.append(mark(f"after {exit_of(item)}", item))
        return CutNet(found, self.last)

    def add(self, branch: Branch, known: Mapping[str, CapturedOp]) -> None:
        """A row of its own."""
        start = branch.start
        assert start is not None
        read = start if isinstance(start, str) else start[0].name
        if start != self.last:
            self.starts[branch.value] = start
        self.items += [mark(branch.value, known[read]), *branch.items]
        self.last = branch.value


def mark(value: str, before: RegionItem | None) -> CapturedOp:
    """The beginning of a row behind an item; None where it is the first of the net."""
    shape = () if before is None else shape_of(before)
    return CapturedOp(f"{value}:row", RowStart(value=value), (), shape)
