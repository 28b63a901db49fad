"""Pools: with a window, to a size, over the whole map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from ...collecting import each_name
from ...ops import GlobalPool, Op, Over, Pad, Pool, Shape, Total
from ...ops.base import Edge
from ...ops.function import AMONG
from ...structs import Frozen
from ..program import AtenCall
from .axes import Atom, atoms_of, flat, layout, places
from .convolutions import EDGES, several, usual_pad
from .reader import Arguments, ForeignValue, Reader, reads
from .spelled import mean_of_form
from .stacks import Stack


class SidePooled(Frozen):
    """A pool over one side of a map `of`, by `word`, which one over the other makes a pool over all
    cells; `gone` are the axes that were read, by their numbers in that."""

    of: ForeignValue
    word: str
    gone: frozenset[int]
    keep: bool

    @property
    def left(self) -> list[int]:
        """The axes that are still there."""
        count = len(self.of.axes) + 1
        return [n for n in range(count) if self.keep or n not in self.gone]

    def alone(self, reader: Reader) -> ForeignValue:
        """What it is to all but a pool over the other side."""
        raise reader.no(
            "it reads a map that was pooled over one of its sides, and the language has pools over"
            " all cells or all channels"
        )


class LowPadded(Frozen):
    """What a step gives, with `cells` around it that are less than any number."""

    step: str
    cells: tuple[Edge, ...]

    def alone(self, reader: Reader) -> ForeignValue:
        """What it is to all but a max pool that puts no cells of its own."""
        raise reader.no(
            "it reads a map with -inf around it, and is no max pool without padding"
        )


def _word(call: AtenCall) -> Any:
    """The pool that a call is."""
    return "max pool" if "max" in call.word else "avg pool"


@reads(*(f"{word}_pool{n}d" for word in ("max", "avg") for n in (1, 2, 3)))
def pool(reader: Reader, call: AtenCall, given: Arguments) -> ForeignValue:
    word = _word(call)
    x = given["self"]
    low = isinstance(x, LowPadded) and word == "max pool"
    step = x.step if low else reader.plain(x)
    size = reader.steps[step].shape[1:]
    options = {"op": word, **_window(reader, given, len(size))}
    kernel, own = options["kernel"], any(options["pad"])
    if kernel == size and _is_over_all(word, size, own) and reader.vectors:
        return _global(reader, f"global {word}", step, len(size))
    if own or given["ceil_mode"]:
        reader.plain(x)  # cells of its own, beside those that are there
    else:
        step, options["pad"] = _around(reader, x, step, options)
    if options["pad"] == usual_pad(kernel, (1,) * len(size)):
        options["pad"] = None
    return _slid(reader, step, options, ceil=given["ceil_mode"])


_HALVES = 3
"""The largest window of a max pool that may be the last of those that halve a map."""


def _is_over_all(word: str, size: Shape, own: bool) -> bool:
    """Whether a window as large as its map is meant to be over all of it."""
    return not own and (word == "avg pool" or max(size) > _HALVES)


def _window(reader: Reader, given: Arguments, count: int) -> dict[str, Any]:
    """What slides over a map. Raises `ImportRefused` for options that no pool of ours has."""
    if max(several(given.get("dilation"), count)) > 1 or given.get(
        "divisor_override"
    ):
        raise reader.no("with a dilation or a divisor")
    kernel, pad = (
        several(given[key], count, 0) for key in ("kernel_size", "padding")
    )
    return {
        "kernel": kernel,
        "stride": several(given["stride"] or kernel, count),
        "pad": pad,
        "inner": any(pad) and not given.get("count_include_pad", True),
    }


def _slid(
    reader: Reader, step: str, options: dict[str, Any], *, ceil: bool
) -> ForeignValue:
    """A pool that says `ceil` where that changes something."""
    shape = reader.steps[step].shape
    op, up = Pool(**options), Pool(**options, ceil=ceil)
    # where nothing hangs over, `ceil` says nothing: of an average, the rate of a whole family
    # is kept in one block
    spare = op.op == "max pool" and up.infer(shape) == op.infer(shape)
    return reader.add(op if spare else up, step)


def _around(
    reader: Reader, x: Any, step: str, options: dict[str, Any]
) -> tuple[str, tuple[Edge, ...]]:
    """What a pool that puts no cells around a map reads, and the cells that were put there before,
    which are its own where it may have so many. To a max pool zeros are no padding."""
    before, none = reader.steps[step], (0,) * len(options["kernel"])
    if isinstance(x, LowPadded):
        return step, x.cells
    op = before.op
    if not isinstance(op, Pad) or (op.mode, options["op"]) == (
        "constant",
        "max pool",
    ):
        return step, none
    own = EDGES[op.mode]
    if not _may_be({**options, **own, "pad": op.cells}):
        return step, none
    options |= own
    return before.inputs[0], op.cells


def _may_be(options: dict[str, Any]) -> bool:
    """Whether there is such a pool."""
    try:
        Pool(**options)
    except ValueError:
        return False
    return True


@reads(
    *(
        f"adaptive_{word}_pool{n}d"
        for word in ("max", "avg")
        for n in (1, 2, 3)
    )
)
def to_size(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    word = _word(call)
    x, size = reader.value(given["self"]), tuple(given["output_size"])
    if reader.vector(x) and reader.vectors and set(size) == {1}:
        made = x
    elif set(size) == {1} and reader.vectors:
        made = _global(reader, f"global {word}", reader.plain(x), len(size))
    else:
        made = reader.add(Pool(op=word, to=size), reader.plain(x))
    return [made, None] if call.several else made


@reads("mean", "amax", "amin")
def over_axes(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Over all cells of a map, or all channels, however its axes lie."""
    x = given["self"]
    if isinstance(x, Stack):
        return _among(reader, call, given, x)
    if isinstance(x, SidePooled):
        return _over_rest(reader, call, given, x)
    form = (
        mean_of_form(reader, call, given) if call.word == "mean" else None
    )
    return form or over(reader, call, given, reader.value(x))


def _among(
    reader: Reader, call: AtenCall, given: Arguments, stack: Stack
) -> ForeignValue:
    """Over the axis that tensors are stacked on, number by number."""
    read = places(given.get("dim") or (), len(stack.values[0].axes) + 2)
    if read != {stack.place} or given.get("keepdim"):
        raise reader.no("over another axis than tensors are stacked on")
    return alike(reader, call.word.removeprefix("a"), stack.values)


def alike(
    reader: Reader, word: str, values: Sequence[ForeignValue]
) -> ForeignValue:
    """The mean, the largest or the smallest of tensors whose axes lie alike."""
    first, *more = values
    if any(each.axes != first.axes for each in more):
        raise reader.no("of tensors whose axes are in different orders")
    if not more:
        return first
    made = reader.add(AMONG[word], *(each.step for each in values))
    return replace(first, step=made.step)


@reads("maximum", "minimum")
def of_two(
    reader: Reader, call: AtenCall, given: Arguments
) -> ForeignValue:
    values = [reader.value(given[key]) for key in ("self", "other")]
    return alike(reader, call.word.removesuffix("imum"), values)


@reads("max")
def largest(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """Of two tensors, or along an axis, of which nothing reads where the largest stands."""
    if "other" in given:
        return of_two(reader, call, given)
    if not call.several or any(each_name(call.outputs[1:])):
        raise reader.no("for the place where it stands")
    return [over_axes(reader, call, {**given, "dim": [given["dim"]]}), None]


_MEAN = Over(op="mean", over="channels"), GlobalPool(op="global avg pool")
_LARGEST = Over(op="max", over="channels"), GlobalPool(op="global max pool")
_OVER: dict[str, tuple[Op, Op]] = {
    "mean": _MEAN,
    "amax": _LARGEST,
    "max": _LARGEST,
    "amin": (Over(op="min", over="channels"), Over(op="min", over="cells")),
}
_OVER["sum"] = Total(over="channels"), Total(over="cells")
"""What a reduction is over the channels of a map, and over its cells."""


def _over_rest(
    reader: Reader, call: AtenCall, given: Arguments, x: SidePooled
) -> Any:
    """A pool over what another left."""
    if (x.word, x.keep) != (_kind(call), given["keepdim"]):
        return x.alone(reader)
    dims = {x.left[dim] for dim in given["dim"]}
    return over(reader, call, {**given, "dim": [*x.gone | dims]}, x.of)


def _kind(call: AtenCall) -> str:
    return "max" if call.word == "amax" else call.word


def _is_side(call: AtenCall, shape: Shape, read: Sequence[Atom]) -> bool:
    """Whether one side of a map, and not all, is read by a pool."""
    sides = layout(shape)[1:]
    pooled = _kind(call) in ("mean", "max")
    return pooled and len(sides) > 1 and tuple(read) in sides


def over(
    reader: Reader, call: AtenCall, given: Arguments, x: ForeignValue
) -> Any:
    shape, count = reader.shape(x), len(x.axes) + 1
    axes = places(given.get("dim") or range(count), count)
    if -1 in axes:
        raise reader.no("over the batch")
    read = atoms_of(x.axes, axes)
    if reader.vector(x) and not read:
        return _without(x, axes, keep=given["keepdim"])
    keep = given["keepdim"]
    if _is_side(call, shape, read):
        gone = frozenset(place + 1 for place in axes)
        return SidePooled(x, _kind(call), gone, keep)
    op = _op_over(reader, call, shape, read)
    op = _to_one(op, len(shape) - 1) if keep and not reader.vectors else op
    return _without(
        replace(x, step=reader.add(op, x.step).step), axes, keep=keep
    )


def _op_over(
    reader: Reader, call: AtenCall, shape: Shape, read: Sequence[Atom]
) -> Op:
    """What goes over the channels that are read, or over the cells."""
    channels, *cells = layout(shape)
    over_channels, over_cells = _OVER[call.word]
    if cells and read == [*channels]:
        return over_channels
    if read == [*flat(cells)]:
        return over_cells
    raise reader.no("over anything but all cells or all channels of a map")


def _to_one(op: Op, axes: int) -> Op:
    """The pool to one cell that a map keeps, for that over all."""
    words: dict[str, Any] = {
        f"global {word}": word for word in ("avg pool", "max pool")
    }
    return Pool(op=words[op.op], to=(1,) * axes) if op.op in words else op


def _without(
    x: ForeignValue, axes: set[int], *, keep: bool
) -> ForeignValue:
    """Axes that were reduced: of one place, or gone."""
    left = [
        () if place in axes else axis
        for place, axis in enumerate(x.axes)
        if keep or place not in axes
    ]
    return replace(x, axes=tuple(left))


def _global(
    reader: Reader, word: Any, step: str, cells: int
) -> ForeignValue:
    made = reader.add(GlobalPool(op=word), step)
    return replace(made, axes=(*made.axes, *((),) * cells))
