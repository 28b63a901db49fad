"""Numbers that calls of a block set → a formula of their places in their rows, where that is
shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ..language.grammar.arithmetic import value_text
from .written import Element, Use, WrittenBlock

_PLACES = 3
"""At so many places a line has to hold: through two there is always one."""


def say_by_place(rows: Sequence[Sequence[Element]]) -> None:
    """Change `let`s of blocks that stand in these rows alone, as `1 + 0.04*row_index`."""
    places = {id(each): place for row in rows for place, each in enumerate(row)}
    uses = (each for row in rows for each in row if isinstance(each, Use))
    for definition in dict.fromkeys(use.definition for use in uses):
        own = [id(use) for use in definition.uses]
        if definition.ours and places.keys() >= {*own}:
            for key in definition.lets:
                _say(definition, key, [places[use] for use in own])


def counts_places(definition: WrittenBlock) -> bool:
    """Whether what it is depends on where in a row it stands."""
    return any("row_index" in text for text in definition.lets.values())


def _say(definition: WrittenBlock, key: str, places: Sequence[int]) -> None:
    """What a call has that says none is on the line on which most are."""
    usual, uses = definition.lets[key], definition.uses
    texts = [use.values.get(key, usual) for use in uses]
    line = _line([*_numbers(texts)], places)
    if line is None:
        return
    length, before = definition.length, [use.values for use in uses]
    definition.lets[key] = line.text
    for use, text, place in zip(uses, texts, places, strict=True):
        own = use.values | {key: text}
        if Fraction(text) == line.at(place):
            del own[key]
        use.values = {each: own[each] for each in definition.lets if each in own}
    if definition.length >= length:
        definition.lets[key] = usual
        for use, values in zip(uses, before, strict=True):
            use.values = values


def _numbers(texts: Sequence[str]) -> Iterator[Fraction]:
    """Values of a `let`; nothing where they are words, or all whole."""
    if any("." in text for text in texts):
        try:
            yield from [Fraction(text) for text in texts]
        except ValueError:
            return


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """What a number is at the first place of a row, and how much more at each that follows."""

    first: Fraction
    step: Fraction

    def at(self, place: int) -> Fraction:
        return self.first + self.step * place

    @property
    def text(self) -> str:
        step = abs(self.step)
        grown = "row_index" if step == 1 else f"{value_text(step)}*row_index"
        sign = "-" if self.step < 0 else "+"
        first = value_text(self.first) if self.first or self.step < 0 else ""
        return f"{first} {sign} {grown}" if first else grown

    @property
    def plain(self) -> bool:
        """Whether it is said in decimals."""
        return "/" not in self.text


def _line(values: Sequence[Fraction], places: Sequence[int]) -> PlaceLine | None:
    """The line on which most values lie."""
    points = [*zip(places, values, strict=False)]
    lines = Counter(filter(None, (_through(*pair) for pair in pairwise(points))))
    held = {line: _held(line, points) for line, _ in lines.most_common() if line.plain}
    return next((line for line, count in held.items() if count >= _PLACES), None)


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
    return len({place for place, value in points if line.at(place) == value})
