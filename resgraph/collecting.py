"""Things one after another → those of a type; the same by a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Kind = TypeVar("_Kind")
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def of_type(kind: type[_Kind], things: Iterable[object]) -> Iterator[_Kind]:
    """Those of a type, in their order."""
    return (each for each in things if isinstance(each, kind))


def by_key(
    pairs: Iterable[tuple[_Key, _Value]],
) -> dict[_Key, list[_Value]]:
    """The values of each key, in their order; of a key that has none, an empty list."""
    found: dict[_Key, list[_Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
