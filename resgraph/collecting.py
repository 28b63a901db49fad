"""Things one after another → their names, those of a type, those that others have not, the
first of them; the same by a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
)
from itertools import chain
from types import UnionType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

_Kind = TypeVar("_Kind")
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Made = TypeVar("_Made")
_Op = TypeVar("_Op", covariant=True)
_Named = TypeVar("_Named", bound="_HasName")

flatten = chain.from_iterable
"""What is in each of several lists, one list after another."""

if TYPE_CHECKING:
    # which take long to make
    class _HasName(Protocol):
        @property
        def name(self) -> str: ...

    class _HasText(Protocol):
        @property
        def text(self) -> str: ...

    class _Reading(Protocol):
        @property
        def node(self) -> str: ...

    class _Working(Protocol[_Op]):
        @property
        def op(self) -> _Op: ...


def each_name(things: Iterable[_HasName]) -> list[str]:
    """Their names, in their order."""
    return [each.name for each in things]


def each_text(things: Iterable[_HasText]) -> list[str]:
    """Their texts, in their order."""
    return [each.text for each in things]


def each_node(things: Iterable[_Reading]) -> list[str]:
    """The nodes of streams, outputs or whatever has one, in their order."""
    return [each.node for each in things]


def each_op(things: Iterable[_Working[_Op]]) -> list[_Op]:
    """The ops of nodes or of what else has one, in their order."""
    return [each.op for each in things]


def of_type(kind: type[_Kind], things: Iterable[object]) -> Iterator[_Kind]:
    """Those of a type, in their order."""
    return (each for each in things if isinstance(each, kind))


def any_of_type(kind: type | UnionType, things: Iterable[object]) -> bool:
    """Whether one of them is of a type, or of one of several."""
    return any(isinstance(each, kind) for each in things)


def all_of_type(kind: type | UnionType, things: Iterable[object]) -> bool:
    """Whether all of them are."""
    return all(isinstance(each, kind) for each in things)


def without(
    things: Iterable[_Value], others: Container[object]
) -> list[_Value]:
    """Those that are not among others, in their order."""
    return [each for each in things if each not in others]


def among(
    things: Iterable[_Value], others: Container[object]
) -> list[_Value]:
    """Those that are among others, in their order."""
    return [each for each in things if each in others]


def present(things: Iterable[_Value | None]) -> list[_Value]:
    """Those that are not None, in their order."""
    return [each for each in things if each is not None]


def reached(
    starts: Iterable[_Key],
    following: Callable[[_Key], Iterable[_Key]],
    but: Collection[_Key] = (),
) -> set[_Key]:
    """Some things, and all that one comes to from them without those that are excepted."""
    found = {*but}
    waiting = [starts]
    while waiting:
        new = {*waiting.pop()} - found
        found |= new
        waiting += map(following, new)
    return found.difference(but)


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


def at_keys(
    entries: Mapping[_Key, _Value], keys: Iterable[_Key]
) -> dict[_Key, _Value]:
    """The entries of a map at some keys, in the order of those."""
    return {key: entries[key] for key in keys}


def picked(
    entries: Mapping[_Key, _Value], keys: Iterable[_Key]
) -> dict[_Key, _Value]:
    """The same, of a map that may have only some of them."""
    return at_keys(entries, among(keys, entries))


def each_value(
    make: Callable[[_Value], _Made], entries: Mapping[_Key, _Value]
) -> dict[_Key, _Made]:
    """What is made of each value of a map, under its key."""
    return {key: make(value) for key, value in entries.items()}


def keyed(
    make: Callable[[_Key], _Made], keys: Iterable[_Key]
) -> dict[_Key, _Made]:
    """What is made of each key, under it."""
    return {key: make(key) for key in keys}


def by_name(things: Iterable[_Named]) -> dict[str, _Named]:
    """Each under its name."""
    return {each.name: each for each in things}


def attributes(thing: object, keys: Iterable[str]) -> dict[str, Any]:
    """Some attributes, under their names."""
    return {key: getattr(thing, key) for key in keys}


def the_only(
    things: Collection[_Value], otherwise: _Made
) -> _Value | _Made:
    """What is in them, where that is one."""
    return next(iter(things)) if len(things) == 1 else otherwise


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
