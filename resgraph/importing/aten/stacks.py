"""Tensors stacked on an axis of their own, as radix and branches are: taken apart, and met one by
one."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from msgspec.structs import replace

from ...collecting import of_type
from ...ops import Add, Part
from ...structs import Frozen
from .axes import Layout, equal_parts, flat, joined, layout
from .reader import AnyValue, ForeignValue, Reader


class Stack(Frozen):
    """Values of one layout, on an axis of their own at `place` (behind the batch)."""

    values: tuple[ForeignValue, ...]
    place: int

    def each(
        self, make: Callable[[int, ForeignValue], ForeignValue]
    ) -> Stack:
        """The same of every value, which is given its number."""
        made = [
            make(which, value) for which, value in enumerate(self.values)
        ]
        return replace(self, values=tuple(made))


def stacked(reader: Reader, x: Any, place: int) -> Stack | None:
    """A stack on the axis `place`, or a value of which that axis are the coarse parts of the
    channels, as a stack of them. Raises `ImportRefused` for what is neither."""
    if isinstance(x, Stack):
        return x if x.place == place else None
    value = reader.value(x)
    parts = parted(reader, value.step, reader.whole(value), place + 1)
    values = tuple(of_type(ForeignValue, parts))
    return Stack(values, place) if values else None


def parted(
    reader: Reader, step: str, axes: Layout, place: int
) -> list[AnyValue]:
    """The parts of the channels that the axis `place` of a step's value is (of all, the batch among
    them); none where it is something else."""
    channels = reader.steps[step].shape[0]
    count = equal_parts(axes[place], channels)
    rest = axes[:place] + axes[place + 1 :]
    atoms = (atom for atom in flat(rest) if atom.of == 0)
    fine = joined(sorted(atoms, key=lambda atom: -atom.step))
    if not count or fine != layout((channels // count,))[0]:
        return []
    parts = (
        reader.add(Part(which=n, of=count), step) for n in range(count)
    )
    return [reader.laid(part.step, rest) for part in parts]


def summed(reader: Reader, stack: Stack) -> ForeignValue:
    """The sum over the stack's own axis."""

    def add(a: ForeignValue, b: ForeignValue) -> ForeignValue:
        return replace(a, step=reader.add(Add(), a.step, b.step).step)

    return reduce(add, stack.values)


def is_part(reader: Reader, x: ForeignValue) -> bool:
    """Whether some axis is a part of the channels."""
    whole = reader.own_axes(x)[0]
    return any(a.of == 0 for axis in x.axes for a in axis if axis != whole)
