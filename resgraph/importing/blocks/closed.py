"""A block that joins paths, with the layers before and behind it → paths of the block that holds
them, as YOLO's C2f."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ...collecting import of_type
from ...ops import Concat
from ...structs import Frozen
from ..classes import ModuleClasses
from ..definitions import Elements, define
from ..regions.structure import Branch, Region, head
from ..written import WrittenBlock
from .nested import shares


class Closed(Frozen):
    """Changes definitions of which all calls stand in rows, where none is written yet."""

    elements: Elements
    classes: ModuleClasses

    def of(self, definitions: Sequence[WrittenBlock]) -> list[WrittenBlock]:
        """Where all calls of one that joins paths, and has no class, stand in one other, that holds
        the paths itself."""
        known = {
            id(block): each for each in definitions for block in each.blocks
        }
        inner = {each: self._alone(each, known) for each in definitions}
        gone = {*inner.values()} - {None}
        return [
            self._closed(each) if inner[each] else each
            for each in definitions
            if each not in gone
        ]

    def _alone(
        self, definition: WrittenBlock, known: Mapping[int, WrittenBlock]
    ) -> WrittenBlock | None:
        joined = [*map(_joined, definition.blocks)]
        called = {known.get(id(block)) for block in joined}
        (only,) = called if len(called) == 1 else (None,)
        if not only or self.classes.of(only.blocks):
            return None
        in_rows = self.elements.loose >= {*map(id, definition.blocks)}
        return only if in_rows and len(only.blocks) == len(joined) else None

    def _closed(self, definition: WrittenBlock) -> WrittenBlock:
        for block in definition.blocks:
            _close(block)
        return define(definition.name, definition.blocks, self.elements)


def _joined(block: Region) -> Region | None:
    """The first block of a run of layers, where that joins paths and is not all or the last."""
    items = block.branches[0].items[:-1] if not block.summed else []
    first = next(of_type(Region, items), None)
    joins = (
        first
        and isinstance(head(first.merge)[0], Concat)
        and not shares(first)
    )
    return first if joins else None


def _close(block: Region) -> None:
    """What is joined begins the rest of the run."""
    inner, (run,) = _joined(block), block.branches
    assert inner
    place = run.items.index(inner)
    before, after = run.items[:place], run.items[place + 1 :]
    parts = [*inner.branches]
    if before:
        parts = [
            replace(p, start=inner.entry) if p.start is None else p
            for p in parts
        ]
        parts.insert(0, Branch(before[-1].exit, None, before))
    block.branches = [*parts, Branch(run.value, inner.merge, after)]
    block.summed = True
