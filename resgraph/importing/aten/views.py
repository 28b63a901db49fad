"""Views and permutations: what moves numbers, and the words that we have for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ...ops import (
    DepthToSpace,
    Op,
    Shape,
    Shuffle,
    SpaceToDepth,
)
from ...ops.attention import Positions, To, Transpose
from ..program import AtenCall
from .attention import ordered
from .axes import (
    EXPANDED,
    Atom,
    Layout,
    axis_of,
    flat,
    layout,
    sizes,
    stored,
    viewed,
)
from .reader import (
    WORDS,
    AnyValue,
    Arguments,
    ForeignValue,
    Reader,
    StateCut,
    StateTensor,
    reads,
)
from .sequences import in_a_row
from .spelled import Spelled
from .stacks import Stack, of_views

_NO_WORD = "a view that the language has no word for"


@reads(
    "flatten",
    "view",
    "view_as",
    "reshape",
    "reshape_as",
    "squeeze",
    "unsqueeze",
    "_unsafe_view",
)
def view(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x = _unspelled(reader, given["self"])
    if isinstance(x, Spelled):
        return x
    if isinstance(x, Stack):
        return reader.need(of_views(reader, x, call.axes), _NO_WORD)
    if isinstance(x, StateTensor | StateCut):
        return replace(
            x, axes=reader.need(viewed(x.axes, call.axes), _NO_WORD)
        )
    step, axes = reader.placed(x).step, reader.whole(x)
    found = viewed(axes, call.axes)
    if found is None:
        step = reader.plain(x)
        own = layout(reader.steps[step].shape)
        found = viewed((reader.batch, *own), call.axes)
    made = in_a_row(reader, reader.laid(step, reader.need(found, _NO_WORD)))
    return reader.worded(made) if isinstance(made, ForeignValue) else made


def _unspelled(reader: Reader, x: Any) -> Any:
    """A form that may be what it is alone, as a square, is that where it is viewed."""
    return x.alone(reader) or x if isinstance(x, Spelled) else x


@reads("unflatten")
def unflatten(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A view, and of the places of a sequence its word."""
    x = given["self"]
    if isinstance(x, ForeignValue) and len(reader.shape(x)) == 2:
        last = call.axes[:2] == (sizes(reader.whole(x))[:2])
        if x.axes == reader.own_axes(x) and last:
            return reader.add(To(size=call.axes[2:]), x.step)
    return view(reader, call, given)


@reads("expand", "expand_as")
def expand(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """What is expanded meets a map that is as large; nothing else may read it."""
    x = _unspelled(reader, given["self"])
    if isinstance(x, Spelled):
        return x
    if isinstance(x, StateTensor):
        more = ((),) * (len(call.axes) - len(x.axes))
        return replace(x, axes=_spread((*more, *x.axes), call.axes))
    return replace(x, axes=_spread(reader.value(x).axes, call.axes[1:]))


def _spread(axes: Layout, target: Sequence[int]) -> Layout:
    pairs = zip(axes, target, strict=True)
    return tuple(axis or axis_of(EXPANDED, size) for axis, size in pairs)


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
    if isinstance(x, StateTensor | StateCut):
        return replace(x, axes=tuple(x.axes[d] for d in order))
    return ordered(reader, x, order)


@reads("mT")
def turned(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    return permute(reader, call, {**given, "dim0": -2, "dim1": -1})


@reads(
    "contiguous",
    "clone",
    "alias",
    "to",
    "_to_copy",
    "lift_fresh_copy",
    "type_as",
)
def same(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    return given["self"]


@reads("detach")
def detached(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x = given["self"]
    if isinstance(x, AnyValue) and (learned := _learned(reader, x.step)):
        raise reader.no(_DETACHED.format(f"what `{learned}` is in"))
    if isinstance(x, StateTensor) and x.learned:
        raise reader.no(_DETACHED.format(f"`{x.key}`"))
    return x


_DETACHED = (
    "{} does not learn from here, which the language cannot say: without `.detach()`, `.data` or"
    " `torch.no_grad()` there the net computes the same, and learns there too"
)


def _learned(reader: Reader, step: str) -> str:
    """The nearest tensor of the model on which a step rests; "" where there is none."""
    before = {step}
    for each in reversed(reader.steps.values()):
        if each.name in before and each.tensors:
            return next(iter(each.tensors.values()))
        before.update(each.inputs if each.name in before else ())
    return ""


@reads("_shape_as_tensor")
def shape(reader: Reader, call: AtenCall, given: Arguments) -> None:
    """A view that reads it says its sizes itself."""


_REARRANGED: dict[str, tuple[type[Op], str, str]] = {
    "pixel_shuffle": (DepthToSpace, "factor", "upscale_factor"),
    "pixel_unshuffle": (SpaceToDepth, "factor", "downscale_factor"),
    "channel_shuffle": (Shuffle, "groups", "groups"),
}


@reads(*_REARRANGED)
def rearrange(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    op, ours, theirs = _REARRANGED[call.word]
    return reader.add(
        op(**{ours: given[theirs]}), reader.plain(given["self"])
    )


def _shuffle(x: ForeignValue, shape: Shape) -> Op | None:
    """Channels as (fine, coarse): dealt out in turn."""
    fine, *coarse = x.axes[0] if x.axes and x.axes[0] else (Atom(0, 1),)
    swapped = (
        len(shape) > 2
        and len(coarse) == 1
        and fine.step == 1
        and {fine.of, coarse[0].of} == {0}
    )
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
        rows = Atom(0, factor, factor * step)
        columns = Atom(0, factor, step)
        if (x.axes[1][1], *x.axes[2][1:]) == (rows, columns):
            return DepthToSpace(factor=factor, blockwise=blockwise)
    return None


def _map(x: ForeignValue, shape: Shape) -> Op | None:
    """The places of a sequence as rows of a map."""
    apart = len(shape) == 2 < len(x.axes) and x.axes[0] == layout(shape)[0]
    return To(size=sizes(x.axes[1:])) if apart else None


def _maps(x: ForeignValue, shape: Shape) -> Op | None:
    """The numbers of a vector as maps, one after another."""
    into = sizes(x.axes)
    apart = len(shape) == 1 < len(into) and x.axes == stored(into)
    return To(size=into[1:]) if apart else None


def _row(x: ForeignValue, shape: Shape) -> Op | None:
    """The cells of a map as places of a sequence."""
    channels, *cells = layout(shape)
    return (
        Positions()
        if len(cells) > 1 and x.axes == (channels, flat(cells))
        else None
    )


def _transposed(x: ForeignValue, shape: Shape) -> Op | None:
    """The places of a sequence as its channels."""
    return (
        Transpose()
        if len(shape) == 2 and x.axes == layout(shape)[::-1]
        else None
    )


WORDS += [_shuffle, _depth, _space, _map, _maps, _row, _transposed]
