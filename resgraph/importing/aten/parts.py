"""Concatenations, stacks, splits and slices: tensors of several, and parts of one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from msgspec.structs import replace

from ...collecting import any_of_type
from ...ops import Concat, Pad, Part, ZeroPad
from ...ops.base import sides
from ...structs import Frozen
from ..program import AtenCall
from .axes import layout, sizes, viewed, whole
from .reader import (
    AnyValue,
    Arguments,
    ForeignValue,
    Reader,
    StateCut,
    StateTensor,
    reads,
)
from .resizing import more_channels
from .sequences import behind_another, token_of, with_token
from .stacks import Stack, a_part, on_an_axis, parted
from .states import cut_state, whole_again


class Zeros(Frozen):
    """A tensor of zeros, so many in each of its channels."""

    axes: tuple[int, ...]

    def alone(self, reader: Reader) -> ForeignValue:
        """What they are to all but a concatenation: nothing that has a word."""
        raise reader.no("it reads zeros that the model's code makes")


@reads("zeros", "new_zeros", "zeros_like", "full", "new_full", "full_like")
def zeros(reader: Reader, call: AtenCall, given: Arguments) -> Zeros:
    if given.get("fill_value"):
        raise reader.no("of other numbers than 0")
    return Zeros(call.axes)


@reads("cat")
def concat(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    place = given["dim"] % len(call.axes) - 1
    tensors = list(given["tensors"])
    if isinstance(tensors[0], StateCut):
        return whole_again(reader, tensors, place + 1)
    if isinstance(tensors[0], Stack):
        return reader.need(on_an_axis(tensors, place), _ALONG)
    if place == 0 and any_of_type(Zeros, tensors):
        return _with_zeros(reader, tensors)
    begun = with_token(reader, tensors, place)
    return begun or _of_values(reader, [*map(reader.value, tensors)], place)


def _of_values(
    reader: Reader, values: Sequence[ForeignValue], place: int
) -> ForeignValue | Stack:
    first, *more = values
    if not more:
        return first
    if place >= 0 and all(
        _channels(reader, each, place) for each in values
    ):
        made = reader.add(Concat(), *(each.step for each in values))
        return _in_its_axes(made, first, place)
    if stack := on_an_axis(values, place):
        return stack
    why = _ALONG if len(first.axes) < _MAP else _SIDES
    return reader.need(behind_another(reader, values, place), why)


_ALONG = (
    "along anything but the channels, or the places of sequences. Where they are predictions of"
    " several maps, let the net return the maps as convolutions give them, and join them outside"
)


_SIDES = (
    "along the height or width of maps, as coordinate attention does: `concat` joins channels, and"
    " a map that was pooled over one side meets no larger one. Where maps are joined to share a"
    " layer, let that run on each of them"
)
_MAP = 3
"""So many axes a map has, one of its channels."""


def _in_its_axes(
    made: ForeignValue, x: ForeignValue, place: int
) -> ForeignValue:
    """What has other channels than `x`, whose axis `place` they are, with its axes."""
    axes = (*x.axes[:place], made.axes[0], *x.axes[place + 1 :])
    return replace(made, axes=axes)


def _with_zeros(reader: Reader, tensors: Sequence[Any]) -> ForeignValue:
    """Zero channels beside those of a map, as a concatenation says it."""
    more = [
        each.axes[1] if isinstance(each, Zeros) else 0 for each in tensors
    ]
    maps = [
        n for n, each in enumerate(tensors) if not isinstance(each, Zeros)
    ]
    if len(maps) != 1:
        raise reader.no("of zeros and anything but one map")
    (place,) = maps
    step = reader.plain(tensors[place])
    return more_channels(reader, step, sum(more[:place]), sum(more[place:]))


def _channels(reader: Reader, x: ForeignValue, place: int) -> bool:
    return whole(x.axes[place], 0, reader.shape(x)[0])


@reads("stack")
def stack(reader: Reader, call: AtenCall, given: Arguments) -> Stack:
    values = tuple(map(reader.value, given["tensors"]))
    return Stack(values, given["dim"] % len(call.axes) - 1)


@reads("chunk", "split", "split_with_sizes", "tensor_split", "unbind")
def split(reader: Reader, call: AtenCall, given: Arguments) -> list[Any]:
    x, apart = given["self"], call.word == "unbind"
    place = given.get("dim", 0) % (len(call.axes) + apart)
    whole = (
        isinstance(x, ForeignValue)
        and place
        and _channels(reader, x, place - 1)
    )
    parts = [] if whole and not apart else _unbound(reader, call, x, place)
    if parts:
        return parts
    if apart or not place:
        raise reader.no("of anything but the channels")
    place -= 1
    value = _in_place(reader, reader.value(x), place)
    ends = list(
        accumulate(output.axes[place + 1] for output in call.outputs)
    )
    return [
        _part(reader, value, place, range(start, end))
        if output.name
        else None
        for start, end, output in zip(
            [0, *ends], ends, call.outputs, strict=False
        )
    ]


def _in_place(reader: Reader, x: ForeignValue, place: int) -> ForeignValue:
    """A value whose axis `place` are the channels, perhaps after what moved them has its word."""
    if not _channels(reader, x, place):
        x = reader.lying(reader.plain(x))
    if not _channels(reader, x, place):
        raise reader.no("of anything but the channels")
    return x


def _unbound(
    reader: Reader, call: AtenCall, x: Any, place: int
) -> list[AnyValue]:
    """Parts of the channels that lie on an axis (of all, the batch among them), or what was stacked
    on it; none where neither is."""
    count = len(call.outputs)
    if isinstance(x, Stack):
        return (
            [*x.values]
            if x.place == place - 1 and call.word == "unbind"
            else []
        )
    axes = reader.whole(x)
    if call.word != "unbind":
        both = viewed((axes[place],), (count, sizes(axes)[place] // count))
        if both is None:
            return []
        axes = (*axes[:place], *both, *axes[place + 1 :])
    parts = parted(reader, reader.placed(x).step, axes, place)
    return parts if len(parts) == count else []


@reads("select")
def select(reader: Reader, call: AtenCall, given: Arguments) -> AnyValue:
    """One of the parts of the channels, or the first of the places."""
    x, index = given["self"], given["index"]
    place = given["dim"] % (len(call.axes) + 1)
    if isinstance(x, Stack) and x.place == place - 1:
        return x.values[index]
    x = reader.placed(x)
    parts = parted(reader, x.step, reader.whole(x), place)
    if parts:
        return parts[index]
    if _is_last(reader, x, place, index):
        return _last_place(reader, x)
    return token_of(reader, x, place - 1, index)


def _is_last(reader: Reader, x: AnyValue, place: int, index: int) -> bool:
    """Whether it is the last of the places of a sequence, as of what comes in over time."""
    shape = reader.shape(x)
    sequence = len(shape) == 2 and reader.whole(x)[1:] == layout(shape)
    return sequence and place == 2 and index in (-1, shape[1] - 1)


def _last_place(reader: Reader, x: AnyValue) -> ForeignValue:
    length = reader.shape(x)[1]
    x = reader.lying(x.step)
    found = _fewer_cells(reader, x, 1, range(length - 1, length))
    return replace(found, axes=found.axes[:1])


def _part(
    reader: Reader, x: ForeignValue, place: int, channels: range
) -> ForeignValue:
    """Some of the channels: one of equal parts where it is one."""
    (total, *_), width = reader.shape(x), len(channels)
    if width == total:
        return x
    return _in_its_axes(_part_of(reader, x.step, channels), x, place)


def _part_of(reader: Reader, step: str, channels: range) -> ForeignValue:
    total, width = reader.steps[step].shape[0], len(channels)
    if total % width == channels.start % width == 0:
        return a_part(reader, step, channels.start // width, total // width)
    cut = Part.cut(
        channels.start, None if channels.stop == total else channels.stop
    )
    return reader.add(cut, step)


@reads("narrow", "slice")
def cut(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x, place = given["self"], given["dim"] % len(call.axes) - 1
    if isinstance(x, StateTensor):
        return cut_state(reader, call, given, x)
    start, step = given["start"] or 0, given.get("step", 1)
    length = call.axes[place + 1]
    one = _one_part(reader, x, place + 1, start) if length == 1 else None
    if one is not None:
        return one
    value = reader.value(x)
    before = sizes(value.axes)
    if place < 0 or (length == before[place] and step == 1):
        return x
    if step > 1:
        return _every(reader, value, place, step, start)
    start %= before[place]  # it may be counted from the end
    return _run_of(reader, value, place, range(start, start + length))


def _run_of(
    reader: Reader, x: ForeignValue, place: int, kept: range
) -> ForeignValue:
    """Some places of an axis, one behind another."""
    if place and x.axes == reader.own_axes(x):
        return _fewer_cells(reader, x, place, kept)
    return _part(reader, _in_place(reader, x, place), place, kept)


def _one_part(
    reader: Reader, x: Any, place: int, which: int
) -> AnyValue | None:
    """A part of the channels by a slice, which keeps its axis; None where it is none."""
    if not isinstance(x, AnyValue):
        return None
    parts = parted(reader, x.step, reader.whole(x), place)
    if not parts:
        return None
    axes = reader.whole(parts[which])
    return reader.laid(
        parts[which].step, (*axes[:place], (), *axes[place:])
    )


def _fewer_cells(
    reader: Reader, x: ForeignValue, place: int, kept: range
) -> ForeignValue:
    """Some rows or columns of a map, one behind another; of two slices, both are taken at once."""
    count = len(x.axes) - 1
    cells: list[tuple[int, int]] = [(0, 0)] * count
    cells[place - 1] = (-kept.start, kept.stop - reader.shape(x)[place])
    before = reader.steps[x.step]
    if isinstance(before.op, Pad) and before.op.cuts:
        own = [*map(sides, before.op.cells)]
        pairs = zip(own, cells, strict=True)
        cells = [(a + c, b + d) for (a, b), (c, d) in pairs]
        return reader.add(Pad(cells=tuple(cells)), *before.inputs)
    return reader.add(Pad(cells=tuple(cells)), x.step)


def _every(
    reader: Reader, x: ForeignValue, place: int, step: int, start: int
) -> ForeignValue:
    """Every second cell, down or across, from the first on, as option A's shortcut begins, or
    behind some, as of YOLO's focus."""
    shape = reader.shape(x)
    if place == 0 or x.axes != layout(shape):
        raise reader.no("with steps, of anything but a map's cells")
    before, strides = reader.steps[x.step], [1] * (len(shape) - 1)
    if isinstance(before.op, ZeroPad) and before.op.width == shape[0]:
        x, strides = reader.lying(before.inputs[0]), [*before.op.stride]
    if start and strides[place - 1] > 1:
        raise reader.no("with steps, of every second cell")
    if start:
        kept = range(start, reader.shape(x)[place])
        x = _fewer_cells(reader, x, place, kept)
    strides[place - 1] *= step
    every = ZeroPad(width=shape[0], stride=tuple(strides))
    return reader.add(every, x.step)
