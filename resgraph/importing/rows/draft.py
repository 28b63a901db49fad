"""A row to be: what stands in it, what it starts with, and its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from msgspec import Struct

from ...collecting import each_op, flatten, of_type
from ..captured import CapturedOp
from ..cells import Cell
from ..regions.shared_rows import SharedRows
from ..regions.structure import Region, StepTree
from ..usual import counts_places
from ..written import Element, Use


class DraftRow(Struct):
    """`begun` is the mark that it stands behind, `start` what it starts with, where that is not the
    row before; `gives` what each of the streams that come out is called, where there are several,
    and `held` the row before that only its equation reads."""

    elements: list[Element] = []
    name: str = ""
    labels: list[str] = []
    begun: str = ""
    start: StepTree | None = None
    gives: dict[str, str] = {}
    held: DraftRow | None = None

    @property
    def exit(self) -> str:
        """The value that comes out."""
        return self.elements[-1].exit if self.elements else self.begun

    @property
    def steps(self) -> Iterator[CapturedOp]:
        """All that its elements stand for."""
        return flatten(each.steps for each in self.elements)

    @property
    def named(self) -> dict[str, str]:
        """What others call the values that come out."""
        if not self.gives:
            return {self.exit: self.name}
        return {
            value: f"{self.name}.{word}"
            for value, word in self.gives.items()
        }

    @property
    def calls(self) -> list[Use]:
        """The blocks that it is of: not what only leads to them."""
        held = self.held.elements if self.held else []
        return [*filter(repeats, (*held, *self.elements))]

    def placed(self) -> Iterator[tuple[int, Element]]:
        """The elements with their places in the row, of which what it starts with has one."""
        yield from enumerate(self.elements, int(self.start is not None))

    @property
    def counted(self) -> bool:
        """Whether blocks in it are what they are by their places."""
        return any(counts_places(use.definition) for use in self.calls)

    @property
    def again(self) -> SharedRows | None:
        """What all of it says, where that is rows once more."""
        shared = [*of_type(SharedRows, each_op(self.elements))]
        return (
            shared[0]
            if shared and len(shared) == len(self.elements)
            else None
        )


def equates(element: Element) -> TypeGuard[Use]:
    """Whether an element is an equation over one value that stands in the net once: a row may begin
    with it."""
    if isinstance(element, Cell):
        return False
    return (
        not element.definition.paths and len(element.definition.uses) == 1
    )


def repeats(element: Element) -> TypeGuard[Use]:
    """Whether an element is a block that is summed or joined somewhere, or stands behind itself; a
    transition is not."""
    if isinstance(element, Cell) or equates(element):
        return False
    blocks = element.definition.blocks
    ends = {block.exit for block in blocks}
    return any(_joins(block) or block.entry in ends for block in blocks)


def _joins(block: Region) -> bool:
    return block.summed or any(map(_joins, of_type(Region, block.within)))
