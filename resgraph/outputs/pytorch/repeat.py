"""Children of a Sequential → the same children, with runs of like calls written as
comprehensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ...ops.base import Call, Ref
from .signatures import Signatures
from .tree import Repeat, literal

SHORTEST = 3  # two calls read better written out
LONGEST = 76  # and so do calls with nothing regular about them

Slot = int | str
"""A positional argument by its place, or a keyword argument by its name."""


def compress(children: Sequence[Any], known: Signatures) -> list[Any]:
    """Equal children as `*(Block(64) for _ in range(3))`, children that differ in a literal or two
    as a loop."""
    equal = _equal_runs(children)
    out: list[Any] = []
    at = 0
    while at < len(children):
        if equal[at] >= SHORTEST:
            out.append(Repeat(children[at], f"_ in range({equal[at]})"))
            at += equal[at]
            continue
        end, slots = _varying_run(children, equal, at)
        run = children[at:end]
        loop = (
            _loop(run, sorted(slots, key=str), known) if len(run) >= SHORTEST else None
        )
        out += [loop] if loop and len(loop.loop) <= LONGEST else run
        at = end
    return out


def _equal_runs(children: Sequence[Any]) -> list[int]:
    """For each child, how many from there on are equal to it."""
    runs = [1 if isinstance(child, Call) else 0 for child in children]
    for at in range(len(children) - 2, -1, -1):
        # 1, 1.0 and True are equal
        if runs[at] and repr(children[at]) == repr(children[at + 1]):
            runs[at] = runs[at + 1] + 1
    return runs


def _varying_run(
    children: Sequence[Any], equal: list[int], start: int
) -> tuple[int, set[Slot]]:
    """Where a run of calls that differ in at most two literals ends, and which arguments those
    are."""
    slots: set[Slot] = set()
    end = start + 1
    while end < len(children) and equal[end] < SHORTEST:
        different = _differences(children[start], children[end])
        if different is None or len(slots | different) > 2:
            break
        slots |= different
        end += 1
    return end, slots


def _differences(one: Any, other: Any) -> set[Slot] | None:
    """The arguments in which two calls of one kind differ, or None where it is more than
    literals."""
    if not (
        isinstance(one, Call) and isinstance(other, Call) and one.target == other.target
    ):
        return None
    mine, its = _slots(one), _slots(other)
    if mine.keys() != its.keys():
        return None
    found = {
        slot
        for slot in mine
        if mine[slot] != its[slot] or type(mine[slot]) is not type(its[slot])
    }
    values = [arguments[slot] for slot in found for arguments in (mine, its)]
    return (
        None
        if any(isinstance(value, Call | Ref | Repeat) for value in values)
        else found
    )


def _slots(call: Call) -> dict[Slot, Any]:
    return {**dict(enumerate(call.args)), **dict(call.kwargs)}


def _loop(calls: Sequence[Call], slots: Sequence[Slot], known: Signatures) -> Repeat:
    """A comprehension over the arguments that differ."""
    first = calls[0]
    roles = known.roles(first.target, len(first.args))
    names, sources, texts = [], [], {}
    for slot in slots:
        name = roles[slot] if isinstance(slot, int) else slot
        column = [_slots(call)[slot] for call in calls]
        texts[slot], loop, source = _column(name, column, alone=len(slots) == 1)
        names.append(loop)
        sources.append(source)
    source = (
        sources[0] if len(sources) == 1 else f"zip({', '.join(sources)}, strict=True)"
    )
    args = tuple(
        Ref(texts[place]) if place in texts else arg
        for place, arg in enumerate(first.args)
    )
    kwargs = tuple(
        (name, Ref(texts[name]) if name in texts else arg) for name, arg in first.kwargs
    )
    return Repeat(Call(first.target, args, kwargs), f"{', '.join(names)} in {source}")


def _column(name: str, column: list[Any], *, alone: bool) -> tuple[str, str, str]:
    """How an argument is written in a loop: its text, the loop's variable, and what the variable
    runs through."""
    if all(type(value) is int for value in column):
        steps = {after - before for before, after in pairwise(column)}
        if len(steps) == 1 and (step := steps.pop()):
            return name, name, _range(column[0], step, len(column))
    if alone and (even := _even_fractions(column)):
        start, step, parts = even
        return f"i / {parts}", "i", _range(start, step, len(column))
    return name, name, literal(tuple(column))


def _range(start: int, step: int, count: int) -> str:
    stop = start + step * count
    if step != 1:
        return f"range({start}, {stop}, {step})"
    return f"range({start}, {stop})" if start else f"range({stop})"


def _even_fractions(column: list[Any]) -> tuple[int, int, int] | None:
    """Evenly spaced floats as integers over one divisor: 0, 1/530, 2/530 … Python's `/` gives back
    the same floats."""
    if not all(type(value) is float and 0 <= value < 1e6 for value in column):
        return None
    guesses = [Fraction(value).limit_denominator(100_000) for value in column]
    parts = 1
    for guess in guesses:
        parts = math.lcm(parts, guess.denominator)
        if parts > 1_000_000:
            return None
    ticks = [int(guess * parts) for guess in guesses]
    steps = {after - before for before, after in pairwise(ticks)}
    exact = all(
        tick / parts == value for tick, value in zip(ticks, column, strict=True)
    )
    return (
        (ticks[0], steps.pop(), parts)
        if exact and len(steps) == 1 and 0 not in steps
        else None
    )
