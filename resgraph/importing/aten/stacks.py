"""Tensors stacked on an axis of their own, as radix and branches are: taken apart, and met one by
one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

from ...ops import Add, Part
from .axes import Atom, layout
from .reader import ForeignValue, Reader


@dataclass(frozen=True, slots=True)
class Stack:
    """Values of one layout, on an axis of their own at `place` (behind the batch)."""

    values: tuple[ForeignValue, ...]
    place: int

    def each(self, make: Callable[[int, ForeignValue], ForeignValue]) -> Stack:
        """The same of every value, which is given its number."""
        made = [make(which, value) for which, value in enumerate(self.values)]
        return replace(self, values=tuple(made))


def stacked(reader: Reader, x: ForeignValue | Stack, place: int) -> Stack | None:
    """A value whose axis `place` are the coarse parts of its channels, as a stack of them."""
    if isinstance(x, Stack):
        return x if x.place == place else None
    (channels, *_), axis = reader.shape(x), x.axes[place]
    if len(axis) != 1 or axis[0].of != 0:
        return None
    (atom,) = axis
    if atom.size == 1 or atom.size * atom.step != channels:
        return None
    rest = tuple(a for n, a in enumerate(x.axes) if n != place)
    parts = [
        reader.add(Part(which=which, of=atom.size), x.step)
        for which in range(atom.size)
    ]
    width = channels // atom.size
    if [a for axis in rest for a in axis if a.of == 0] != [Atom(0, width)] * (
        width > 1
    ):
        return None
    return Stack(tuple(replace(part, axes=rest) for part in parts), place)


def summed(reader: Reader, stack: Stack) -> ForeignValue:
    """The sum over the stack's own axis."""

    def add(a: ForeignValue, b: ForeignValue) -> ForeignValue:
        return replace(a, step=reader.add(Add(), a.step, b.step).step)

    return reduce(add, stack.values)


def is_part(reader: Reader, x: ForeignValue) -> bool:
    """Whether some axis is a part of the channels."""
    whole = layout(reader.shape(x))[0]
    return any(a.of == 0 for axis in x.axes for a in axis if axis != whole)
