"""Tensors stacked on an axis of their own, as radix and branches are: taken apart, and met one by
one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from msgspec.structs import replace

from ...collecting import of_type
from ...ops import Add, Concat, Part, Softmax
from ...structs import Frozen
from .axes import Layout, equal_parts, flat, joined, layout, sizes, viewed
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
    parts = (a_part(reader, step, n, count) for n in range(count))
    return [reader.laid(part.step, rest) for part in parts]


def a_part(reader: Reader, step: str, which: int, of: int) -> ForeignValue:
    """One of equal parts of the channels; where these were joined of such, what was joined."""
    made = reader.steps[step]
    widths = {reader.steps[name].shape[0] for name in made.inputs}
    if isinstance(made.op, Concat) and len(made.inputs) == of > len(widths):
        return reader.lying(made.inputs[which])
    return reader.add(Part(which=which, of=of), step)


def on_an_axis(tensors: Sequence[Any], place: int) -> Stack | None:
    """Tensors that are joined along an axis of one place each, as a stack, perhaps behind one; None
    of others."""
    first, *more = tensors
    begun = isinstance(first, Stack) and first.place == place
    own = [_without_axis(x, place) for x in (more if begun else tensors)]
    values = of_type(ForeignValue, own)
    if None in own:
        return None
    return Stack((*(first.values if begun else ()), *values), place)


def _without_axis(x: Any, place: int) -> ForeignValue | None:
    """A value without an axis of one place; None where that is none."""
    if not isinstance(x, ForeignValue):
        return None
    if not 0 <= place < len(x.axes) or x.axes[place]:
        return None
    return replace(x, axes=x.axes[:place] + x.axes[place + 1 :])


def weighed(reader: Reader, x: Stack, word: str) -> Stack:
    """A softmax over the stack's own axis."""
    if word != "softmax":
        raise reader.no("over tensors that are stacked")
    whole = reader.add(Concat(), *(value.step for value in x.values))
    count = len(x.values)
    shares = reader.add(Softmax(parts=count), whole.step).step
    return x.each(
        lambda n, value: replace(
            value, step=a_part(reader, shares, n, count).step
        )
    )


def of_views(reader: Reader, x: Stack, axes: Sequence[int]) -> Stack | None:
    """A stack that is viewed with other axes (its batch among these) behind its own."""
    place, count = x.place + 1, len(x.values)
    before = (reader.batch, *x.values[0].axes[: x.place])
    if tuple(axes[: place + 1]) != (*sizes(before), count):
        return None
    rest = axes[place + 1 :]
    found = [viewed(value.axes[x.place :], rest) for value in x.values]
    if None in found:
        return None
    return x.each(
        lambda n, value: replace(
            value, axes=(*value.axes[: x.place], *(found[n] or ()))
        )
    )


def summed(reader: Reader, stack: Stack) -> ForeignValue:
    """The sum over the stack's own axis."""

    def add(a: ForeignValue, b: ForeignValue) -> ForeignValue:
        return replace(a, step=reader.add(Add(), a.step, b.step).step)

    return reduce(add, stack.values)


def is_part(reader: Reader, x: ForeignValue) -> bool:
    """Whether some axis is a part of the channels."""
    whole = reader.own_axes(x)[0]
    return any(a.of == 0 for axis in x.axes for a in axis if axis != whole)
