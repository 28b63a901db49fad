"""Numbers that calls of a block set → a formula that gives most of them, of what comes in and goes
out, or of their places in their rows; where that is shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from ..collecting import picked
from ..language.grammar.arithmetic import spec_text
from ..structs import Frozen
from .numbers.formulas import SHARES
from .written import Element, Use, WrittenBlock

_LEAST = 3
"""Different numbers that a formula has to give, and at so many places: through two points there
is always a line."""
_TRIED = 4
"""Formulas of sizes that are tried, of those that give most."""


def say_usual(placed: Sequence[tuple[int, Element]]) -> None:
    """Change `let`s of blocks that stand in rows alone, each at its place in one:
    `variance: 1 + 0.04*row_index`."""
    places = {id(each): place for place, each in placed}
    uses = (each for _, each in placed if isinstance(each, Use))
    for definition in dict.fromkeys(use.definition for use in uses):
        own = [*map(id, definition.uses)]
        if definition.ours and places.keys() >= {*own}:
            for key in definition.lets:
                _say(definition, key, [places[use] for use in own])


def counts_places(definition: WrittenBlock) -> bool:
    """Whether what it is depends on where in a row it stands."""
    return any("row_index" in text for text in definition.lets.values())


class UsualValue(Frozen):
    """The text of a formula, and what it gives each call."""

    text: str
    given: Sequence[Fraction | None]

    def gives(self, values: Sequence[Fraction]) -> int:
        """How many of these, where they are different enough."""
        pairs = zip(values, self.given, strict=True)
        same = [value for value, own in pairs if value == own]
        return len(same) if len({*same}) >= _LEAST else 0


def _say(definition: WrittenBlock, key: str, places: Sequence[int]) -> None:
    """What a call has that says none is what a formula gives it, of those that give most the first
    that is shorter."""
    texts = [
        use.values.get(key, definition.lets[key]) for use in definition.uses
    ]
    for usual in _formulas([*_numbers(texts)], definition.uses, places):
        length, kept = definition.length, _Kept(definition)
        _set(definition, key, usual, texts)
        if definition.length < length:
            return
        kept.put_back(definition)


class _Kept:
    """What a block's calls set, and where they set nothing."""

    def __init__(self, definition: WrittenBlock) -> None:
        self.lets = dict(definition.lets)
        self.values = [use.values for use in definition.uses]

    def put_back(self, definition: WrittenBlock) -> None:
        definition.lets = self.lets
        for use, values in zip(definition.uses, self.values, strict=True):
            use.values = values


def _set(
    definition: WrittenBlock,
    key: str,
    usual: UsualValue,
    texts: Sequence[str],
) -> None:
    definition.lets[key] = usual.text
    for use, text, given in zip(
        definition.uses, texts, usual.given, strict=True
    ):
        own = use.values | {key: text}
        if key in use.unread or Fraction(text) == given:
            del own[key]
        use.values = picked(own, definition.lets)


def _numbers(texts: Sequence[str]) -> Iterator[Fraction]:
    """Values of a `let`; nothing where they are words, or one."""
    try:
        found = [*map(Fraction, texts)]
    except ValueError:
        return
    yield from found if len({*found}) > 1 else ()


def _formulas(
    values: Sequence[Fraction], uses: Sequence[Use], places: Sequence[int]
) -> Iterable[UsualValue]:
    """What may be usual."""
    if any(value.denominator > 1 for value in values):
        line = _line(values, places)
        return (
            [UsualValue(line.text, [*map(line.at, places)])] if line else []
        )
    return _of_sizes(values, uses) if values else []


def _of_sizes(
    values: Sequence[Fraction], uses: Sequence[Use]
) -> list[UsualValue]:
    found = [
        UsualValue(each.text, [_whole(each.of(use.sizes)) for use in uses])
        for each in SHARES
    ]
    count = {each.text: each.gives(values) for each in found}
    some = [each for each in found if count[each.text]]
    return sorted(some, key=lambda each: -count[each.text])[:_TRIED]


def _whole(value: float | None) -> Fraction | None:
    return None if value is None else Fraction(value)


class PlaceLine(Frozen):
    """What a number is at the first place of a row, and how much more at each that follows."""

    first: Fraction
    step: Fraction

    def at(self, place: int) -> Fraction:
        return self.first + self.step * place

    @property
    def text(self) -> str:
        step = abs(self.step)
        grown = "row_index" if step == 1 else f"{spec_text(step)}*row_index"
        sign = "-" if self.step < 0 else "+"
        first = spec_text(self.first) if self.first or self.step < 0 else ""
        return f"{first} {sign} {grown}" if first else grown

    @property
    def plain(self) -> bool:
        """Whether it is said in decimals."""
        return "/" not in self.text


def _line(
    values: Sequence[Fraction], places: Sequence[int]
) -> PlaceLine | None:
    """The line on which most values lie."""
    points = [*zip(places, values, strict=True)]
    lines = Counter(
        filter(None, (_through(*pair) for pair in pairwise(points)))
    )
    held = {
        line: _held(line, points)
        for line, _ in lines.most_common()
        if line.plain
    }
    return next(
        (line for line, count in held.items() if count >= _LEAST), None
    )


_Point = tuple[int, Fraction]


def _through(one: _Point, other: _Point) -> PlaceLine | None:
    """The line through the values of two calls, one after the other in a row."""
    along, up = other[0] - one[0], other[1] - one[1]
    return (
        PlaceLine(one[1] - up / along * one[0], up / along)
        if along > 0 and up
        else None
    )


def _held(line: PlaceLine, points: Iterable[_Point]) -> int:
    """At how many places it holds."""
    return len(
        {place for place, value in points if line.at(place) == value}
    )
