"""Sums, differences, products and quotients: of tensors, with numbers, and with parameters."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from numbers import Real
from typing import Any

from msgspec.structs import replace

from ...collecting import of_type
from ...ops import (
    Add,
    Div,
    Flatten,
    Gain,
    Mul,
    Op,
    Scale,
    Shape,
    ShapeError,
    Sub,
)
from ...ops.base import shape_text
from ...ops.merge import Binary
from ..program import AtenCall
from .attention import Scores, of_distances, scored
from .axes import Axis, equal_parts, flat, layout
from .places import Distances
from .pools import over
from .reader import (
    AnyValue,
    Arguments,
    ForeignValue,
    Reader,
    StateTensor,
    reads,
    spread,
)
from .sequences import positioned, turned
from .spelled import Spelled, further, goes_on, product, quotient
from .stacks import Stack, is_part, stacked, summed

_OPS: dict[str, Callable[..., Binary]] = {
    "add": Add,
    "sub": Sub,
    "mul": Mul,
    "div": Div,
}


@reads("add", "sub", "mul", "div", "rsub")
def arithmetic(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    word = call.word.removesuffix("_")
    a, b = given["self"], given["other"]
    if given.get("alpha", 1) != 1:
        raise reader.no("with a factor")
    if word == "rsub":
        a, b, word = b, a, "sub"
    return _joined(reader, word, a, b)


def _joined(reader: Reader, word: str, a: Any, b: Any) -> Any:
    joins = (
        join
        for kind, join in _JOINS.items()
        if isinstance(a, kind) or isinstance(b, kind)
    )
    return next(joins, _of_values)(reader, word, a, b)


def _of_values(reader: Reader, word: str, a: Any, b: Any) -> Any:
    a, b = (reader.worded(reader.value(each)) for each in (a, b))
    if is_part(reader, a) or is_part(reader, b):
        return _of_stacks(reader, word, a, b)
    short = product(reader, a, b) if word == "mul" else None
    return short or _met(reader, word, a, b)


def _with_form(reader: Reader, word: str, a: Any, b: Any) -> Any:
    """A form goes on, or is what it is alone: a square may be a product."""
    alone = [
        x
        if goes_on(word, a, b) or not isinstance(x, Spelled)
        else x.alone(reader)
        for x in (a, b)
    ]
    if alone == [a, b] or None in alone:
        return further(reader, word, a, b)
    return _joined(reader, word, *alone)


def _with_number(reader: Reader, word: str, a: Any, b: Any) -> AnyValue:
    if isinstance(a, Real):
        return reader.kept(_OPS[word](left=float(a)), reader.placed(b))
    x = reader.placed(a)
    if (word, float(b)) in (("mul", 1.0), ("div", 1.0), ("add", 0.0)):
        return x
    if hard := quotient(reader, word, x, float(b)):
        return hard
    # torch keeps no order of a product with a number; people write `0.5*x`
    side = "left" if word == "mul" else "right"
    return reader.kept(_OPS[word](**{side: float(b)}), x)


def _met(
    reader: Reader, word: str, a: ForeignValue, b: ForeignValue
) -> ForeignValue:
    """Two tensors, axis by axis from the last; an axis of one place meets any."""
    if len(a.axes) != len(b.axes):
        raise reader.no("of tensors with different numbers of axes")
    if not _alike(a, b):
        a, b = _turned(reader, a, b)
    if not _alike(a, b):
        raise reader.no("of tensors whose axes are in different orders")
    pairs = zip(a.axes, b.axes, strict=True)
    axes = tuple(other if spread(one) else one for one, other in pairs)
    a, b = _of_a_cell(reader, a, b), _of_a_cell(reader, b, a)
    sizes = shape_text(reader.shape(a)), shape_text(reader.shape(b))
    try:
        made = reader.add(_OPS[word](), a.step, b.step)
    except ShapeError:
        raise reader.no(_CANNOT_MEET.format(*sizes)) from None
    if sorted(flat(made.axes)) != sorted(flat(axes)):
        raise reader.no(_CANNOT_MEET.format(*sizes))
    return replace(made, axes=axes)


_CANNOT_MEET = (
    "of {} and {}: maps of one size meet, and a map what has a number for each of its channels, or"
    " one for each cell"
)


def _of_a_cell(
    reader: Reader, x: ForeignValue, other: ForeignValue
) -> ForeignValue:
    """A map of one cell that meets a larger one, as a vector."""
    if not _is_cell(reader.shape(x)) or prod(reader.shape(other)[1:]) == 1:
        return x
    return replace(x, step=reader.add(Flatten(), x.step).step)


def _is_cell(shape: Shape) -> bool:
    """Whether it is a map of one cell."""
    return len(shape) > 1 and prod(shape[1:]) == 1


def _alike(a: ForeignValue, b: ForeignValue) -> bool:
    """Whether each axis meets the other's: an axis of one place meets any."""
    pairs = zip(a.axes, b.axes, strict=True)
    return all(x == y or spread(x) or spread(y) for x, y in pairs)


def _turned(
    reader: Reader, a: ForeignValue, b: ForeignValue
) -> tuple[ForeignValue, ForeignValue]:
    """Two sequences of which one has channels where the other has places: the later is turned, as
    a branch is."""
    if {len(reader.shape(x)) for x in (a, b)} != {2}:
        return a, b
    later = max((a, b), key=lambda x: [*reader.steps].index(x.step))
    return (turned(reader, a), b) if later is a else (a, turned(reader, b))


def _of_stacks(reader: Reader, word: str, a: Any, b: Any) -> Stack:
    """Two stacks, or a stack and what all of it meets, one by one."""
    place = next((x.place for x in of_type(Stack, (a, b))), None)
    if place is None:
        place = _coarse(reader, a if is_part(reader, a) else b)
    one, other = (stacked(reader, x, place) for x in (a, b))
    if one is None or other is None or len(one.values) != len(other.values):
        raise reader.no("of tensors whose channels are viewed in parts")
    return one.each(lambda n, x: _met(reader, word, x, other.values[n]))


def _coarse(reader: Reader, x: ForeignValue) -> int:
    """Which axis is the coarse part of the channels."""
    channels = reader.shape(x)[0]
    for place, axis in enumerate(x.axes):
        if 0 < equal_parts(axis, channels) < channels:
            return place
    raise reader.no("of tensors whose channels are viewed in parts")


@reads("addcmul")
def addcmul(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A product that is added: the end of a norm, or a scale with its shift."""
    if given.get("value", 1) != 1:
        raise reader.no("with a factor")
    one, other, shift = given["tensor1"], given["tensor2"], given["self"]
    if not isinstance(one, Spelled) and not isinstance(other, Spelled):
        return _joined(
            reader, "add", _joined(reader, "mul", one, other), shift
        )
    return further(
        reader, "addcmul", further(reader, "mul", one, other), shift
    )


@reads("neg")
def negative(reader: Reader, call: AtenCall, given: Arguments) -> AnyValue:
    return reader.kept(Sub(left=0.0), reader.placed(given["self"]))


@reads("sum")
def total(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    x, dims = given["self"], given.get("dim") or []
    x = x if isinstance(x, Stack) else reader.value(x)
    apart = isinstance(x, Stack) or is_part(reader, x)
    if len(dims) == 1 and not given["keepdim"] and apart:
        place = dims[0] % (len(call.axes) + 1) - 1
        own = place >= 0 or isinstance(x, Stack)
        found = stacked(reader, x, place) if own else None
        if found is not None:
            return summed(reader, found)
    return over(reader, call, given, reader.value(x))


def _with_parameter(reader: Reader, word: str, a: Any, b: Any) -> Any:
    """A product with a parameter is a scale or a gain, which a sum behind it shifts; with a
    number, a gain of filters."""
    x, factor = (b, a) if isinstance(a, StateTensor) else (a, b)
    if word == "mul" and isinstance(x, int | float):
        return replace(factor, factor=factor.factor * float(x))
    made = None
    if isinstance(x, ForeignValue) and factor.learned and factor.plain:
        made = {"mul": _scaled, "add": _shifted}.get(word, _unknown)(
            reader, x, factor
        )
    what = "parameter" if factor.learned else "buffer"
    more = "" if factor.learned else "; norm images where they are loaded"
    return reader.need(
        made,
        f"with the {what} `{factor.key}`, which is no scale of channels{more}",
    )


def _unknown(reader: Reader, x: ForeignValue, factor: StateTensor) -> None:
    """What else is done with a parameter has no word."""


def _scaled(reader: Reader, x: ForeignValue, factor: StateTensor) -> Any:
    """A product with one number, or with one of each channel."""
    x = _by_channel(reader, x, factor)
    tensors, met = {"weight": factor.key}, _axes_met(x, factor)
    if met == [] and reader.shape(x)[0] != 1:
        return reader.kept(Gain(), x, tensors)
    if met == [reader.own_axes(x)[0]]:
        return reader.kept(Scale(), x, tensors)
    return None


def _by_channel(
    reader: Reader, x: ForeignValue, factor: StateTensor
) -> ForeignValue:
    """A sequence of which a parameter has a number for each channel, or for what was one."""
    shape = reader.shape(x)
    places = [layout(shape)[1]] if len(shape) == 2 else None
    return turned(reader, x) if _axes_met(x, factor) == places else x


def _shifted(reader: Reader, x: ForeignValue, shift: StateTensor) -> Any:
    """A gain and one learned number that is added behind it, a scale or a layer without a bias and
    one for each channel; else what is learned for places."""
    before, met = reader.steps[x.step], _axes_met(x, shift)
    op = _with_shift(before.op, met, reader.own_axes(x)[0])
    if op is None:
        return positioned(reader, x, shift)
    tensors = {**before.tensors, "bias": shift.key}
    return replace(
        x, step=reader.add(op, *before.inputs, tensors=tensors).step
    )


def _with_shift(
    op: Op, met: list[Axis] | None, channels: Axis
) -> Op | None:
    """What an op is with a shift that meets such axes; None where it has no room for one."""
    if isinstance(op, Gain) and op.shift is None and not met:
        return Gain(shift=0.0)
    if isinstance(op, Scale) and op.shift is None and met == [channels]:
        return Scale(shift=0.0)
    if getattr(op, "bias", "") == "none" and met == [channels]:
        return replace(op, bias="default")
    return None


def _axes_met(x: ForeignValue, factor: StateTensor) -> list[Axis] | None:
    """The axes of a value that a parameter is as long as, from the last; None where it has more."""
    sizes = factor.shape
    if len(sizes) == len(x.axes) + 1 and sizes[0] == 1:
        sizes = sizes[1:]
    if len(sizes) > len(x.axes):
        return None
    tail = x.axes[len(x.axes) - len(sizes) :]
    return [
        axis for axis, size in zip(tail, sizes, strict=True) if size > 1
    ]


_JOINS: dict[type, Callable[[Reader, str, Any, Any], Any]] = {
    Scores: scored,
    Distances: of_distances,
    Spelled: _with_form,
    StateTensor: _with_parameter,
    Stack: _of_stacks,
    Real: _with_number,
}
"""What two operands are joined by where one is of this kind, the first that fits."""
