"""Parameters that a model's code cuts and puts together again, as timm does where it could resample
positions → the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from msgspec.structs import replace

from ..program import AtenCall
from .axes import Atom, Axis, axis_of
from .reader import Arguments, Reader, StateCut, StateTensor, reads


def cut_state(
    reader: Reader, call: AtenCall, given: Arguments, x: StateTensor
) -> StateCut:
    """Some places along an axis, one behind another."""
    place, start = given["dim"] % len(call.axes), given["start"] or 0
    axis, size = x.axes[place], call.axes[place]
    if given.get("step", 1) != 1 or len(axis) != 1 or not x.plain:
        raise reader.no("it cuts a parameter")
    (atom,) = axis
    own = axis_of(atom.of, size, atom.step)
    axes = (*x.axes[:place], own, *x.axes[place + 1 :])
    return StateCut(x, axes, start % atom.size * atom.step)


def whole_again(reader: Reader, parts: Sequence[Any], place: int) -> StateTensor:
    """The parameter of which these are all places along an axis, in order."""
    first: StateCut = parts[0]
    total = sum(_size(part, place) for part in parts)
    steps = {atom.step for part in parts for atom in _axis(part, place)}
    count = prod(first.of.shape)
    if not all(isinstance(part, StateCut) for part in parts) or len(steps) != 1:
        raise reader.no("of parts of parameters and what is none")
    (step,) = steps
    axes = (*first.axes[:place], (Atom(0, total, step),), *first.axes[place + 1 :])
    found = replace(first.of, axes=axes)
    same = {(part.of.key, _others(part, place)) for part in parts}
    alike = len(same) == 1 and prod(found.shape) == count
    if not (alike and _follow(parts, place, step)):
        raise reader.no("of parts that are not a whole parameter")
    return found


def _follow(parts: Sequence[StateCut], place: int, step: int) -> bool:
    """Whether each begins where the one before it ends."""
    ends = [part.start + step * _size(part, place) for part in parts]
    return [part.start for part in parts] == [0, *ends[:-1]]


def _axis(part: Any, place: int) -> Axis:
    return part.axes[place] if isinstance(part, StateCut) else ()


def _size(part: Any, place: int) -> int:
    return prod(atom.size for atom in _axis(part, place))


def _others(part: StateCut, place: int) -> tuple[Axis, ...]:
    return part.axes[:place] + part.axes[place + 1 :]


@reads("_upsample_bicubic2d_aa", "_upsample_bilinear2d_aa", "upsample_bicubic2d")
def resampled(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A parameter that is brought to the size that it has."""
    x = given["input"]
    if isinstance(x, StateTensor | StateCut) and x.shape == call.axes:
        return x
    raise reader.no("the language has only `bilinear` and the nearest cell for it")
