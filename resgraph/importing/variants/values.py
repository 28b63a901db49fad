"""What differs between the nets of a family → the `let`s that say it.

A value that differs is asked for with what it is in each net; the text has a mark until all are
known, for whether `widths.2`, `width` or `64*wider` stands there depends on the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec import Struct

from ...structs import Frozen

_MARK = re.compile(r"\0(.*?)\0(\d+)\0")
_NAMES = {
    "": ("wider", "widths"),
    "group": ("g", "gs"),
    "groups": ("cardinality", "cardinalities"),
    "kernel": ("k", "ks"),
    "reps": ("reps", "reps"),
    "stride": ("step", "steps"),
}
"""What a value is called alone, and in a list; `""` is the width of a layer or block."""


class SharedValues(Struct):
    """Values by what they are; each has one entry a net."""

    columns: dict[str, list[tuple[int, ...]]] = {}
    words: dict[tuple[str, ...], str] = {}

    def listed(self, word: str, column: Sequence[int]) -> str:
        """One more of a list."""
        columns = self.columns.setdefault(word, [])
        columns.append(tuple(column))
        return f"\0{word}\0{len(columns) - 1}\0"

    def number(self, word: str, column: Sequence[int]) -> str:
        """A number, with those that are the same in all nets."""
        columns = self.columns.setdefault(word, [])
        if tuple(column) not in columns:
            return self.listed(word, column)
        return f"\0{word}\0{columns.index(tuple(column))}\0"

    def word(self, column: Sequence[str]) -> str:
        """The name of a block: each that differs in its own way has a `let` of its own."""
        own = tuple(column)
        if own not in self.words:
            number = len(self.words) + 1
            self.words[own] = "block" if number == 1 else f"block{number}"
        return self.words[own]

    def settle(self) -> SettledLets:
        """The `let`s, and what stands for each mark."""
        lets: dict[str, tuple[Any, ...]] = {
            name: own for own, name in self.words.items()
        }
        texts: dict[tuple[str, int], str] = {}
        for word, columns in self.columns.items():
            name, values, said = _settled(word, columns)
            lets[name] = values
            texts |= {(word, n): text for n, text in enumerate(said)}
        return SettledLets(lets, texts)


def _settled(
    word: str, columns: Sequence[tuple[int, ...]]
) -> tuple[str, tuple[Any, ...], list[str]]:
    """One `let`: its name, its value in each net, and what stands for each of its marks."""
    one, many = _NAMES.get(word, (f"{word}_", f"{word}s"))
    factors = (
        _factors(columns) if word != "reps" and len(columns) > 1 else None
    )
    if factors:
        return one, factors, [f"{min(column)}*{one}" for column in columns]
    if len(columns) == 1 and word != "reps":
        return one, columns[0], [one]
    values = tuple(map(list, zip(*columns, strict=True)))
    return many, values, [f"{many}.{n}" for n in range(len(columns))]


class SettledLets(Frozen):
    """`let`s with a value for each net, and the text of each mark."""

    lets: Mapping[str, tuple[Any, ...]]
    texts: Mapping[tuple[str, int], str]

    def filled(self, text: str) -> str:
        """A text with its marks resolved."""
        return _MARK.sub(
            lambda mark: self.texts[mark[1], int(mark[2])], text
        )

    def line(self, net: int) -> str:
        """All `let`s as one net has them."""
        return _pairs(
            (name, values[net]) for name, values in self.lets.items()
        )

    def changes(self, net: int) -> str:
        """Those in which a net differs from the first."""
        return _pairs(
            (name, values[net])
            for name, values in self.lets.items()
            if values[net] != values[0]
        )


def _pairs(values: Iterable[tuple[str, Any]]) -> str:
    return ", ".join(f"{name}: {_text(value)}" for name, value in values)


def _text(value: Any) -> str:
    return (
        f"[{', '.join(map(str, value))}]"
        if isinstance(value, list)
        else str(value)
    )


def _factors(columns: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """One whole factor for each net, where that is all that differs."""
    found = {
        tuple(value / min(column) for value in column) for column in columns
    }
    whole = all(factor.is_integer() for factor in chain(*found))
    return (
        tuple(map(int, found.pop())) if len(found) == 1 and whole else None
    )
