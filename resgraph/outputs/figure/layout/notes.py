"""The wires of a fork → the same, with what is written beside each where no other runs through."""

from __future__ import annotations

from bisect import bisect
from itertools import pairwise

from msgspec.structs import replace

from ....collecting import flatten
from .. import text
from .geometry import Wire
from .routing import NOTE_SIZE, note_place, upright

_Stretch = tuple[float, float, float]
"""Where a straight part of a wire is, and from where it runs to where."""


def notes_apart(wires: list[Wire]) -> list[Wire]:
    """The same wires, each note where no line runs through it, if there is such a place."""
    stretches = [*flatten(pairwise(wire.points) for wire in wires)]
    rows = sorted(
        (y0, min(x0, x1), max(x0, x1))
        for (x0, y0), (x1, y1) in stretches
        if y0 == y1
    )
    lanes = sorted(
        (x0, min(y0, y1), max(y0, y1))
        for (x0, y0), (x1, y1) in stretches
        if x0 == x1
    )
    return [
        replace(wire, shift=_shift(wire, rows, lanes))
        if wire.note and not wire.named
        else wire
        for wire in wires
    ]


def _shift(
    wire: Wire, rows: list[_Stretch], lanes: list[_Stretch]
) -> float:
    """How far a note moves along its wire, as little as it can; not where nothing helps."""
    _, start, end = upright(wire)
    left, base = note_place(wire)
    right = left + text.width(wire.note, NOTE_SIZE)
    least, most = start + NOTE_SIZE - base, end - 3 - base
    steps = (
        sign * 2.0 * step
        for step in range(int((end - start) / 4) + 1)
        for sign in (-1, 1)
    )
    for shift in steps:
        top, bottom = base + shift - NOTE_SIZE, base + shift + 2
        if (not shift or least <= shift <= most) and not (
            _crosses(rows, (top, bottom), (left, right))
            or _crosses(lanes, (left, right), (top, bottom))
        ):
            return shift
    return 0.0


def _crosses(
    stretches: list[_Stretch],
    across: tuple[float, float],
    along: tuple[float, float],
) -> bool:
    """Whether one of these, in the order of where they run, runs through a box."""
    first, last = (bisect(stretches, (at,)) for at in across)
    return any(
        start < along[1] and end > along[0]
        for _, start, end in stretches[first:last]
    )
