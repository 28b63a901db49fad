"""Parameters that a model's code cuts and puts together again, as timm does where it could resample
positions → the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from msgspec.structs import replace

from ...collecting import of_type
from ..program import AtenCall
from .axes import Atom, Axis, axis_of
from .reader import Arguments, Reader, StateCut, StateTensor, reads


def cut_state(
    reader: Reader, call: AtenCall, given: Arguments, x: StateTensor
) -> StateTensor | StateCut:
    """Some places along an axis, one behind another, or all of them."""
    if x.shape == call.axes:
        return x
    place, start = given["dim"] % len(call.axes), given["start"] or 0
    axis, size = x.axes[place], call.axes[place]
    if given.get("step", 1) != 1 or len(axis) != 1 or not x.plain:
        raise reader.no("it cuts a parameter")
    (atom,) = axis
    own = axis_of(atom.of, size, atom.step)
    axes = (*x.axes[:place], own, *x.axes[place + 1 :])
    return StateCut(x, axes, start % atom.size * atom.step)


def whole_again(
    reader: Reader, parts: Sequence[Any], place: int
) -> StateTensor:
    """The parameter of which these are all places along an axis, in order."""
    cuts = [*of_type(StateCut, parts)]
    steps = {atom.step for cut in cuts for atom in cut.axes[place]}
    if len(cuts) != len(parts) or len(steps) != 1:
        raise reader.no("of parts of parameters and what is none")
    first, (step,) = cuts[0], steps
    total = sum(cut.shape[place] for cut in cuts)
    axes = (
        *first.axes[:place],
        (Atom(0, total, step),),
        *first.axes[place + 1 :],
    )
    found = replace(first.of, axes=axes)
    same = {(cut.of.key, _others(cut, place)) for cut in cuts}
    alike = len(same) == 1 and prod(found.shape) == prod(first.of.shape)
    if not (alike and _follow(cuts, place, step)):
        raise reader.no("of parts that are not a whole parameter")
    return found


def _follow(parts: Sequence[StateCut], place: int, step: int) -> bool:
    """Whether each begins where the one before it ends."""
    ends = [part.start + step * part.shape[place] for part in parts]
    return [part.start for part in parts] == [0, *ends[:-1]]


def _others(part: StateCut, place: int) -> tuple[Axis, ...]:
    return part.axes[:place] + part.axes[place + 1 :]


@reads(
    "_upsample_bicubic2d_aa",
    "_upsample_bilinear2d_aa",
    "upsample_bicubic2d",
)
def resampled(reader: Reader, call: AtenCall, given: Arguments) -> Any:
    """A parameter that is brought to the size that it has."""
    x = given["input"]
    if isinstance(x, StateTensor | StateCut) and x.shape == call.axes:
        return x
    raise reader.no(
        "the language has only `bilinear` and the nearest cell for it"
    )
