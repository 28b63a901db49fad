"""Views, permutations, slices, splits and pads: what moves numbers and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from operator import mul
from typing import Any

from ...ops import (
    Concat,
    DepthToSpace,
    Op,
    Pad,
    Part,
    Pool,
    Shape,
    Shuffle,
    SpaceToDepth,
    Upsample,
    ZeroPad,
)
from ...ops.attention import To
from ...ops.base import sides
from ..program import AtenCall
from .attention import ordered
from .axes import EXPANDED, Atom, Layout, layout, sizes, viewed, whole
from .pools import LowPadded
from .reader import (
    WORDS,
    AnyValue,
    Arguments,
    ForeignValue,
    NeedsMaps,
    Reader,
    StateTensor,
    reads,
)
from .sequences import token_of, with_token
from .spelled import Spelled
from .stacks import Stack, parted


@reads(
    "flatten", "view", "reshape", "reshape_as", "squeeze", "unsqueeze", "_unsafe_view"
)
def view(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x = given["self"]
    if isinstance(x, Spelled):
        return x
    if isinstance(x, StateTensor):
        found = viewed(x.axes, call.axes)
        return replace(x, axes=_known(reader, found))
    step, axes = reader.placed(x).step, reader.whole(x)
    found = viewed(axes, call.axes)
    if found is None:
        step = reader.plain(x)
        own = layout(reader.steps[step].shape)
        found = viewed((reader.batch, *own), call.axes)
    return reader.laid(step, _known(reader, found))


def _known(reader: Reader, found: Layout | None) -> Layout:
    if found is None:
        raise reader.no("a view that the language has no word for")
    return found


@reads("unflatten")
def unflatten(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A view, and of the places of a sequence its word."""
    x = given["self"]
    if isinstance(x, ForeignValue) and len(reader.shape(x)) == 2:
        last = call.axes[:2] == (sizes(reader.whole(x))[:2])
        if x.axes == layout(reader.shape(x)) and last:
            return reader.add(To(size=call.axes[2:]), x.step)
    return view(reader, call, given)


@reads("expand", "expand_as")
def expand(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """What is expanded meets a map that is as large; nothing else may read it."""
    x = given["self"]
    if isinstance(x, StateTensor):
        more = ((),) * (len(call.axes) - len(x.axes))
        return replace(x, axes=_spread((*more, *x.axes), call.axes))
    return replace(x, axes=_spread(reader.value(x).axes, call.axes[1:]))


def _spread(axes: Layout, target: Sequence[int]) -> Layout:
    return tuple(
        axis or ((Atom(EXPANDED, size),) if size > 1 else ())
        for axis, size in zip(axes, target, strict=True)
    )


def _order(given: Arguments, count: int) -> list[int]:
    """Which axis stands at each place."""
    if "dims" in given:
        return [d % count for d in given["dims"]]
    order = list(range(count))
    if "source" not in given and "dim0" not in given:  # `t`
        order.reverse()
    elif "dim0" in given:
        a, b = given["dim0"] % count, given["dim1"] % count
        order[a], order[b] = order[b], order[a]
    else:
        moved = order.pop(given["source"] % count)
        order.insert(given["destination"] % count, moved)
    return order


@reads("permute", "transpose", "movedim", "t")
def permute(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x, order = given["self"], _order(given, len(call.axes))
    if isinstance(x, StateTensor):
        return replace(x, axes=tuple(x.axes[d] for d in order))
    return ordered(reader, x, order)


@reads("mT")
def turned(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    return permute(reader, call, {**given, "dim0": -2, "dim1": -1})


@reads(
    "contiguous",
    "clone",
    "alias",
    "detach",
    "to",
    "_to_copy",
    "lift_fresh_copy",
    "type_as",
)
def same(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    return given["self"]


@reads("_shape_as_tensor")
def shape(reader: Reader, call: AtenCall, given: Arguments) -> None:
    """A view that reads it says its sizes itself."""


@dataclass(frozen=True, slots=True)
class Zeros:
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
    if place == 0 and any(isinstance(each, Zeros) for each in tensors):
        return _with_zeros(reader, tensors)
    if begun := with_token(reader, tensors, place):
        return begun
    values = [reader.value(each) for each in tensors]
    if place < 0 or not all(_channels(reader, each, place) for each in values):
        raise reader.no("along anything but the channels")
    if len(values) == 1:
        return values[0]
    made = reader.add(Concat(), *(each.step for each in values))
    axes = list(values[0].axes)
    axes[place] = made.axes[0]
    return replace(made, axes=tuple(axes))


def _with_zeros(reader: Reader, tensors: Sequence[Any]) -> ForeignValue:
    """Zero channels beside those of a map, as a concatenation says it."""
    more = [each.axes[1] if isinstance(each, Zeros) else 0 for each in tensors]
    maps = [n for n, each in enumerate(tensors) if not isinstance(each, Zeros)]
    if len(maps) != 1:
        raise reader.no("of zeros and anything but one map")
    (place,) = maps
    step = reader.plain(tensors[place])
    return _more_channels(reader, step, sum(more[:place]), sum(more[place:]))


def _channels(reader: Reader, x: ForeignValue, place: int) -> bool:
    return whole(x.axes[place], 0, reader.shape(x)[0])


@reads("stack")
def stack(reader: Reader, call: AtenCall, given: Arguments) -> Stack:
    values = tuple(reader.value(each) for each in given["tensors"])
    return Stack(values, given["dim"] % len(call.axes) - 1)


@reads("chunk", "split", "split_with_sizes", "tensor_split", "unbind")
def split(reader: Reader, call: AtenCall, given: Arguments) -> list[Any]:
    x, apart = given["self"], call.word == "unbind"
    place = given.get("dim", 0) % (len(call.axes) + apart)
    whole = isinstance(x, ForeignValue) and place and _channels(reader, x, place - 1)
    parts = [] if whole and not apart else _unbound(reader, call, x, place)
    if parts:
        return parts
    if apart or not place:
        raise reader.no("of anything but the channels")
    place -= 1
    value = _in_place(reader, reader.value(x), place)
    ends = list(accumulate(output.axes[place + 1] for output in call.outputs))
    return [
        _part(reader, value, place, range(start, end)) if output.name else None
        for start, end, output in zip([0, *ends], ends, call.outputs, strict=False)
    ]


def _in_place(reader: Reader, x: ForeignValue, place: int) -> ForeignValue:
    """A value whose axis `place` are the channels, perhaps after what moved them has its word."""
    if not _channels(reader, x, place):
        step = reader.plain(x)
        x = ForeignValue(step, layout(reader.steps[step].shape))
    if not _channels(reader, x, place):
        raise reader.no("of anything but the channels")
    return x


def _unbound(reader: Reader, call: AtenCall, x: Any, place: int) -> list[AnyValue]:
    """Parts of the channels that lie on an axis (of all, the batch among them), or what was stacked
    on it; none where neither is."""
    count = len(call.outputs)
    if isinstance(x, Stack):
        return [*x.values] if x.place == place - 1 and call.word == "unbind" else []
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
    x, index = reader.placed(given["self"]), given["index"]
    place = given["dim"] % (len(call.axes) + 1)
    parts = parted(reader, x.step, reader.whole(x), place)
    return parts[index] if parts else token_of(reader, x, place - 1, index)


def _part(reader: Reader, x: ForeignValue, place: int, channels: range) -> ForeignValue:
    """Some of the channels: one of equal parts where it is one."""
    (total, *_), width = reader.shape(x), len(channels)
    if width == total:
        return x
    made = reader.add(_part_of(total, channels), x.step)
    axes = list(x.axes)
    axes[place] = made.axes[0]
    return replace(made, axes=tuple(axes))


def _part_of(total: int, channels: range) -> Part:
    width = len(channels)
    if total % width == channels.start % width == 0:
        return Part(which=channels.start // width, of=total // width)
    return Part.cut(channels.start, None if channels.stop == total else channels.stop)


@reads("narrow", "slice")
def cut(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x, place = given["self"], given["dim"] % len(call.axes) - 1
    if isinstance(x, StateTensor):
        if x.shape == call.axes:
            return x
        raise reader.no("it cuts a parameter")
    start, step = given["start"] or 0, given.get("step", 1)
    one = _one_part(reader, x, place + 1, start) if call.axes[place + 1] == 1 else None
    if one is not None:
        return one
    value = reader.value(x)
    length, before = call.axes[place + 1], sizes(value.axes)
    if place < 0 or (length == before[place] and step == 1):
        return x
    if step > 1:
        return _every(reader, value, place, step, start)
    start %= before[place]  # it may be counted from the end
    if value.axes == layout(reader.shape(value)) and place:
        return _fewer_cells(reader, value, place, range(start, start + length))
    value = _in_place(reader, value, place)
    return _part(reader, value, place, range(start, start + length))


def _one_part(reader: Reader, x: Any, place: int, which: int) -> AnyValue | None:
    """A part of the channels by a slice, which keeps its axis; None where it is none."""
    parts = (
        parted(reader, x.step, reader.whole(x), place)
        if isinstance(x, AnyValue)
        else []
    )
    if not parts:
        return None
    axes = list(reader.whole(parts[which]))
    axes.insert(place, ())
    return reader.laid(parts[which].step, tuple(axes))


def _fewer_cells(
    reader: Reader, x: ForeignValue, place: int, kept: range
) -> ForeignValue:
    """Some rows or columns of a map, one behind another; of two slices, both are taken at once."""
    count = len(x.axes) - 1
    cells: list[tuple[int, int]] = [(0, 0)] * count
    cells[place - 1] = (-kept.start, kept.stop - reader.shape(x)[place])
    before = reader.steps[x.step]
    if isinstance(before.op, Pad) and before.op.cuts:
        own = [sides(edge) for edge in before.op.cells]
        pairs = zip(own, cells, strict=True)
        cells = [(a + c, b + d) for (a, b), (c, d) in pairs]
        return reader.add(Pad(cells=tuple(cells)), *before.inputs)
    return reader.add(Pad(cells=tuple(cells)), x.step)


def _every(
    reader: Reader, x: ForeignValue, place: int, step: int, start: int
) -> ForeignValue:
    """Every second cell, down or across: option A's shortcut begins so."""
    shape = reader.shape(x)
    if start or place == 0 or x.axes != layout(shape):
        raise reader.no("with steps, of anything but a map's cells from the first on")
    stride = tuple(step if axis == place else 1 for axis in range(1, len(shape)))
    options: dict[str, Any] = {"width": shape[0], "stride": stride}
    before = reader.steps[x.step]
    if isinstance(before.op, ZeroPad) and before.op.width == shape[0]:
        options["stride"] = tuple(map(mul, before.op.stride, stride))
        return reader.add(ZeroPad(**options), *before.inputs)
    return reader.add(ZeroPad(**options), x.step)


@reads("pad", "constant_pad_nd")
def pad(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    pads, x = list(given["pad"]), given["self"]
    order = _own_order(reader, reader.value(x))
    if order is None:
        return _padded(reader, reader.plain(x), given, pads)
    edges = _edges(pads, len(order))
    own = [edges[order.index(axis)] for axis in range(len(order))]
    ours = [cells for edge in reversed(own) for cells in edge]
    made = _padded(reader, reader.value(x).step, given, ours)
    if not isinstance(made, ForeignValue):
        raise reader.no("it reads a tensor whose axes were moved")
    return replace(made, axes=tuple(made.axes[axis] for axis in order))


def _own_order(reader: Reader, x: ForeignValue) -> list[int] | None:
    """Which of its step's axes stands at each place; None where they lie as ours, or in parts."""
    own = layout(reader.shape(x))
    if x.axes == own or sorted(x.axes) != sorted(own) or len({*own}) < len(own):
        return None
    return [own.index(axis) for axis in x.axes]


def _padded(reader: Reader, step: str, given: Arguments, pads: list[int]) -> Any:
    """The cells or channels around what a step gives, as torch counts them."""
    while len(pads) > 2 and not any(pads[-2:]):
        del pads[-2:]
    mode, value = given.get("mode", "constant"), given.get("value") or 0
    before = reader.steps[step]
    around = 0 < len(pads) <= 2 * (len(before.shape) - 1)
    low = around and min(pads) >= 0 and (mode, value) == ("constant", -inf)
    if mode not in ("constant", "reflect", "replicate") or (value and not low):
        raise reader.no("in another mode, or with another value than 0")
    if around:
        edges = _edges(pads, len(before.shape) - 1)
        kind = {"reflect": mode == "reflect", "replicate": mode == "replicate"}
        if low:
            return LowPadded(step, Pad(cells=edges).cells)
        return reader.add(Pad(cells=edges, **kind), step)
    axes = 2 * len(before.shape)
    if len(pads) != axes or any(pads[:-2]) or min(pads) < 0:
        raise reader.no("it cuts channels off, or pads both channels and cells")
    return _more_channels(reader, step, *pads[-2:])


def _edges(pads: Sequence[int], count: int) -> tuple[tuple[int, int], ...]:
    """Cells before and after a map along each axis; torch has the last axis first, and leaves out
    those that have none."""
    whole = [*pads, *[0] * (2 * count - len(pads))]
    return tuple(zip(whole[::2], whole[1::2], strict=True))[::-1]


def _more_channels(reader: Reader, step: str, first: int, last: int) -> ForeignValue:
    """Zero channels behind those of a map, or around them: option A."""
    before = reader.steps[step]
    width = before.shape[0] + first + last
    centered = first > 0
    if centered and first != (first + last) // 2:
        raise reader.no("it puts other than all or half of the channels at the end")
    # option A takes every second cell by a slice, or by a pool of one cell
    strided = isinstance(before.op, ZeroPad) and before.op.width == before.shape[0]
    pooled = isinstance(before.op, Pool) and set(before.op.kernel) == {1}
    if (strided or pooled) and isinstance(before.op, ZeroPad | Pool):
        stride = before.op.stride
        op = ZeroPad(width=width, stride=stride, centered=centered)
        return reader.add(op, *before.inputs)
    return reader.add(ZeroPad(width=width, centered=centered), step)


@reads("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
@reads(*(f"upsample_nearest{axes}d" for axes in (1, 2, 3)))
def upsample(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    if reader.vector(reader.value(given["input"])):
        raise NeedsMaps
    step, bilinear = reader.plain(given["input"]), "linear" in call.word
    _, *size = reader.steps[step].shape
    factors = {
        new // old if new % old == 0 else 0
        for new, old in zip(call.axes[2:], size, strict=True)
    }
    if factors == {1}:
        return ForeignValue(step, layout(reader.steps[step].shape))
    whole = len(factors) == 1 and 0 not in factors
    to = {"factor": factors.pop()} if whole else {"to": call.axes[2:]}
    corners = bool(given.get("align_corners"))
    op = Upsample(**to, bilinear=bilinear, align_corners=corners)
    return reader.add(op, step)


_REARRANGED: dict[str, tuple[type[Op], str, str]] = {
    "pixel_shuffle": (DepthToSpace, "factor", "upscale_factor"),
    "pixel_unshuffle": (SpaceToDepth, "factor", "downscale_factor"),
    "channel_shuffle": (Shuffle, "groups", "groups"),
}


@reads(*_REARRANGED)
def rearrange(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    op, ours, theirs = _REARRANGED[call.word]
    return reader.add(op(**{ours: given[theirs]}), reader.plain(given["self"]))


def _shuffle(x: ForeignValue, shape: Shape) -> Op | None:
    """Channels as (fine, coarse): dealt out in turn."""
    fine, *coarse = x.axes[0] if x.axes and x.axes[0] else (Atom(0, 1),)
    swapped = len(coarse) == 1 and fine.step == 1 and {fine.of, coarse[0].of} == {0}
    return Shuffle(groups=coarse[0].size) if swapped else None


def _depth(x: ForeignValue, shape: Shape) -> Op | None:
    """Squares of cells as channels, a channel's or a cell's together."""
    if len(shape) != 3 or len(x.axes) != 3 or len(x.axes[1]) != 1:
        return None
    factor = x.axes[1][0].step
    if factor < 2:
        return None
    rows, columns = (Atom(axis, factor) for axis in (1, 2))
    own = layout(shape)[0]
    orders = {(*own, rows, columns): False, (rows, columns, *own): True}
    blockwise = orders.get(x.axes[0])
    if blockwise is None:
        return None
    return SpaceToDepth(factor=factor, blockwise=blockwise)


def _space(x: ForeignValue, shape: Shape) -> Op | None:
    """Channels as squares of cells."""
    if len(shape) != 3 or len(x.axes) != 3 or len(x.axes[1]) != 2:
        return None
    factor = x.axes[1][1].size
    own = shape[0] // factor**2
    for blockwise, step in ((False, 1), (True, own)):
        rows, columns = Atom(0, factor, factor * step), Atom(0, factor, step)
        if (x.axes[1][1], *x.axes[2][1:]) == (rows, columns):
            return DepthToSpace(factor=factor, blockwise=blockwise)
    return None


WORDS += [_shuffle, _depth, _space]
