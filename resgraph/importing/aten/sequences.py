"""Sequences of places: the token or the mean that is put before them, what is learned for each, the
first of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import filterfalse
from typing import Any

from msgspec.structs import replace

from ...ops import Concat, GlobalPool
from ...ops.attention import (
    Position,
    Positions,
    TakeToken,
    Token,
    TokenMean,
    Transpose,
)
from ..captured import MovedKey
from .axes import Atom, Axis, flat, joined, layout, viewed
from .reader import (
    AnyValue,
    ForeignValue,
    NeedsSequences,
    Reader,
    StateTensor,
    spread,
)


def _sequence(reader: Reader, x: Any, place: int) -> str | None:
    """The step of a sequence with its places on that axis and its channels on the other; None where
    a tensor is none."""
    if (
        not isinstance(x, ForeignValue)
        or len(x.axes) != 2
        or place not in (0, 1)
    ):
        return None
    channels, *cells = reader.own_axes(x)
    if (x.axes[1 - place], x.axes[place]) != (
        channels,
        flat(cells),
    ) or not cells:
        return None
    return (
        reader.add(Positions(), x.step).step if len(cells) > 1 else x.step
    )


def in_a_row(reader: Reader, x: AnyValue) -> AnyValue:
    """A map of which a view puts all cells in a row, as a sequence where the net needs one."""
    _, *cells = reader.own_axes(x)
    if not reader.sequences or len(cells) < 2 or flat(cells) not in x.axes:
        return x
    step = reader.add(Positions(), x.step).step
    _, places = layout(reader.steps[step].shape)
    axes = (places if axis == flat(cells) else axis for axis in x.axes)
    return replace(x, step=step, axes=tuple(axes))


def turned(reader: Reader, x: ForeignValue) -> ForeignValue:
    """The same tensor, on a sequence whose channels are the places of its own. Raises
    `NeedsSequences` for a map."""
    if len(reader.shape(x)) > 2 and not reader.sequences:
        raise NeedsSequences
    step = reader.steps[x.step]
    back = isinstance(step.op, Transpose)
    name = step.inputs[0] if back else reader.add(Transpose(), x.step).step
    axes = (tuple(map(_swapped, axis)) for axis in x.axes)
    return ForeignValue(name, tuple(axes))


def _swapped(atom: Atom) -> Atom:
    return replace(atom, of=1 - atom.of) if atom.of in (0, 1) else atom


def with_token(reader: Reader, tensors: Sequence[Any], place: int) -> Any:
    """Tokens before a sequence, the last of them first; None where there are none."""
    *tokens, x = tensors
    step = _sequence(reader, x, place)
    if step is None or not tokens:
        return None
    for each in reversed(tokens):
        if isinstance(each, StateTensor) and _of_channels(
            each, reader.shape(x)[0]
        ):
            step = reader.add(
                Token(), step, tensors={"weight": each.key}
            ).step
        elif _is_mean(reader, each, x) and len(tokens) == 1:
            step = reader.add(TokenMean(), step).step
        else:
            return None
    axes = layout(reader.steps[step].shape)
    return ForeignValue(step, axes if place else axes[::-1])


def behind_another(
    reader: Reader, tensors: Sequence[Any], place: int
) -> ForeignValue | None:
    """Sequences one behind another, whose places are joined as channels are; None of others."""
    steps = [*filter(None, (_sequence(reader, x, place) for x in tensors))]
    if len(steps) != len(tensors):
        return None
    turned = (reader.add(Transpose(), step).step for step in steps)
    made = reader.add(Concat(), *turned)
    return reader.add(Transpose(), made.step) if place else made


def _of_channels(token: StateTensor, channels: int) -> bool:
    """Whether a parameter is one number for each channel, the same for all images."""
    filled = flat(filterfalse(spread, token.axes))
    return token.learned and filled == flat(layout((channels,)))


def _is_mean(reader: Reader, mean: Any, x: ForeignValue) -> bool:
    if not isinstance(mean, ForeignValue):
        return False
    pool = reader.steps[mean.step]
    return (pool.op, pool.inputs) == (
        GlobalPool(op="global avg pool"),
        (x.step,),
    )


def token_of(
    reader: Reader, x: AnyValue, place: int, index: int
) -> ForeignValue:
    """The first of the places of a sequence."""
    step = _sequence(reader, x, place)
    if step is None or index:
        raise reader.no(
            "of anything but the channels, or the first place of a sequence"
        )
    return reader.add(TakeToken(), step)


def positioned(reader: Reader, x: ForeignValue, known: StateTensor) -> Any:
    """A sum with a parameter for each channel and cell, in any order; None where it is another."""
    before = len(known.axes) - len(x.axes)
    if before < 0 or any(known.axes[:before]) or not _is_map(reader, x):
        return None
    found: dict[Atom, Atom] = {}
    for axis, own in zip(x.axes, known.axes[before:], strict=True):
        cut = _apart(own, axis)
        if cut is None:
            return None
        found |= zip(axis, cut, strict=True)
    steps = [found[atom] for atom in sorted(found, key=_last)]
    key = MovedKey.of(
        known.key, [s.size for s in steps], [s.step for s in steps]
    )
    return reader.kept(Position(), x, {"weight": key})


def _is_map(reader: Reader, x: ForeignValue) -> bool:
    """Whether a tensor is all of a map or sequence, in any order."""
    shape = reader.shape(x)
    atoms = joined(sorted(flat(x.axes), key=_last))
    return len(shape) > 1 and sorted(atoms) == sorted(flat(layout(shape)))


def _apart(own: Axis, axis: Axis) -> list[Atom] | None:
    """An axis of a parameter by the parts of one that it meets; None where it has other parts."""
    cut = viewed((own,), [atom.size for atom in axis])
    if cut is None or any(len(each) != 1 for each in cut):
        return None
    return None if any(each.of for each in flat(cut)) else list(flat(cut))


def _last(atom: Atom) -> tuple[bool, int, int]:
    """The order of our axes with the channels last, coarse to fine."""
    return atom.of == 0, atom.of, -atom.step
