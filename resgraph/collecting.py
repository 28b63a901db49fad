"""Things one after another → those of a type, those that others have not, the
first of them; the same by a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TypeVar

_Kind = TypeVar("_Kind")
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def of_type(kind: type[_Kind], things: Iterable[object]) -> Iterator[_Kind]:
    """Those of a type, in their order."""
    return (each for each in things if isinstance(each, kind))


def without(
    things: Iterable[_Value], others: Container[object]
) -> list[_Value]:
    """Those that are not among others, in their order."""
    return [each for each in things if each not in others]


def without_keys(
    entries: Mapping[_Key, _Value], keys: Container[object]
) -> dict[_Key, _Value]:
    """The entries of a map but for some keys, in their order."""
    return {key: entries[key] for key in without(entries, keys)}


def only_keys(
    entries: Mapping[_Key, _Value], keys: Container[object]
) -> dict[_Key, _Value]:
    """The entries of a map with some keys, in their order."""
    return {key: each for key, each in entries.items() if key in keys}


def first_found(found: Iterable[_Value | None]) -> _Value | None:
    """The first that is anything."""
    return next(filter(None, found), None)


def by_key(
    pairs: Iterable[tuple[_Key, _Value]],
) -> dict[_Key, list[_Value]]:
    """The values of each key, in their order; of a key that has none, an empty list."""
    found: dict[_Key, list[_Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
