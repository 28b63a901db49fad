"""Children of a Sequential → the same children, with runs of like calls written as
comprehensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ...collecting import any_of_type, the_only
from ...ops.base import Call, Ref
from .signatures import Signatures, same
from .tree import Comprehension, literal

SHORTEST = 3  # two calls read better written out
LONGEST = 76  # and so do calls with nothing regular about them

_Slot = int | str
"""A positional argument by its place, or a keyword argument by its name."""


def compress(children: Sequence[Any], known: Signatures) -> list[Any]:
    """Equal children as `*(Block(64) for _ in range(3))`, children that differ in a literal or two
    as a loop."""
    equal = _equal_runs(children)
    out: list[Any] = []
    at = 0
    while at < len(children):
        if equal[at] >= SHORTEST:
            out.append(
                Comprehension(children[at], f"_ in range({equal[at]})")
            )
            at += equal[at]
            continue
        end, slots = _varying_run(children, equal, at)
        run = children[at:end]
        loop = (
            _loop(run, sorted(slots, key=str), known)
            if end - at >= SHORTEST
            else None
        )
        out += [loop] if loop and len(loop.loop) <= LONGEST else run
        at = end
    return out


def _equal_runs(children: Sequence[Any]) -> list[int]:
    """For each child, how many from there on are equal to it."""
    texts = [*map(repr, children)]  # 1, 1.0 and True are equal
    runs = [int(isinstance(child, Call)) for child in children]
    for at in range(len(children) - 2, -1, -1):
        if runs[at] and texts[at] == texts[at + 1]:
            runs[at] = runs[at + 1] + 1
    return runs


def _varying_run(
    children: Sequence[Any], equal: list[int], start: int
) -> tuple[int, set[_Slot]]:
    """Where a run of calls that differ in at most two literals ends, and which arguments those
    are."""
    slots: set[_Slot] = set()
    end = start + 1
    while end < len(children) and equal[end] < SHORTEST:
        different = _differences(children[start], children[end])
        if different is None or len(slots | different) > 2:
            break
        slots |= different
        end += 1
    return end, slots


def _differences(one: Any, other: Any) -> set[_Slot] | None:
    """The arguments in which two calls of one kind differ, or None where it is more than
    literals."""
    if not (isinstance(one, Call) and isinstance(other, Call)):
        return None
    mine, its = _slots(one), _slots(other)
    if one.target != other.target or mine.keys() != its.keys():
        return None
    found = {slot for slot in mine if not same(mine[slot], its[slot])}
    values = [
        arguments[slot] for slot in found for arguments in (mine, its)
    ]
    trees = any_of_type(Call | Ref | Comprehension, values)
    return None if trees else found


def _slots(call: Call) -> dict[_Slot, Any]:
    return {**dict(enumerate(call.args)), **dict(call.kwargs)}


def _loop(
    calls: Sequence[Call], slots: Sequence[_Slot], known: Signatures
) -> Comprehension:
    """A comprehension over the arguments that differ."""
    first = calls[0]
    roles = known.roles(first.target, len(first.args))
    names, sources, texts = [], [], {}
    for slot in slots:
        name = roles[slot] if isinstance(slot, int) else slot
        column = [_slots(call)[slot] for call in calls]
        text, loop, source = _column(name, column, alone=len(slots) == 1)
        texts[slot] = Ref(text)
        names.append(loop)
        sources.append(source)
    if len(sources) > 1:
        sources = [f"zip({', '.join(sources)}, strict=True)"]
    args = tuple(
        texts.get(place, arg) for place, arg in enumerate(first.args)
    )
    kwargs = tuple(
        (name, texts.get(name, arg)) for name, arg in first.kwargs
    )
    item = Call(first.target, args, kwargs)
    return Comprehension(item, f"{', '.join(names)} in {sources[0]}")


def _column(
    name: str, column: list[Any], *, alone: bool
) -> tuple[str, str, str]:
    """How an argument is written in a loop: its text, the loop's variable, and what the variable
    runs through."""
    if all(type(value) is int for value in column) and (
        step := _step(column)
    ):
        return name, name, _range(column[0], step, len(column))
    if alone and (even := _even_fractions(column)):
        start, step, parts = even
        return f"i / {parts}", "i", _range(start, step, len(column))
    return name, name, literal(tuple(column))


def _step(numbers: Sequence[int]) -> int:
    """The step of evenly spaced numbers, 0 for others."""
    steps = {after - before for before, after in pairwise(numbers)}
    return the_only(steps, 0)


def _range(start: int, step: int, count: int) -> str:
    stop = start + step * count
    if step != 1:
        return f"range({start}, {stop}, {step})"
    return f"range({start}, {stop})" if start else f"range({stop})"


def _even_fractions(column: list[Any]) -> tuple[int, int, int] | None:
    """Evenly spaced floats as integers over one divisor: 0, 1/530, 2/530 … Python's `/` gives back
    the same floats."""
    if not all(
        type(value) is float and 0 <= value < 1e6 for value in column
    ):
        return None
    # the fraction that was meant: a rate by depth is a short one, rounded to a float
    guesses = [
        Fraction(value).limit_denominator(100_000) for value in column
    ]
    parts = math.lcm(*(guess.denominator for guess in guesses))
    ticks = [int(guess * parts) for guess in guesses]
    step = _step(ticks)
    if (
        parts > 1_000_000
        or not step
        or [tick / parts for tick in ticks] != column
    ):
        return None
    return ticks[0], step, parts
