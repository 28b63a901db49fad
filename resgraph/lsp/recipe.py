"""A place below `train:` → the keys and values that a recipe can have there, and what they mean;
the keys of a study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, get_args, get_origin

from ..collecting import flatten, of_type
from ..language.recipe import Train, recipe_names
from ..language.record import TAGS, Record, described, kinds, records
from ..language.yaml.tree import Tree
from ..structs import Frozen, fields
from ..study.schema import StudyFile
from .analysis import NO_TREE, entries

_TOKEN = re.compile(r"([\w-]+)\s*:(?=\s|$)|([{}\[\],])|([^\s{}\[\],:]+)")


class RecipePlace(Frozen):
    """The keys below `train:` that lead to a mapping, the key in it whose value is being written
    ("" where a key is), and what is written in it before."""

    path: tuple[str, ...]
    key: str
    given: Mapping[str, str]


def recipe_place(before: str, keys: Sequence[str]) -> RecipePlace:
    """By a line up to the cursor, and the keys that lead there by indentation, from `train` on."""
    own = re.match(r" *[\w-]+:", before)
    outer = keys[:-1] if own else keys
    opened: list[tuple[str, dict[str, str]]] = [("", {})]
    key, lists = "", 0
    for name, sign, word in _TOKEN.findall(before):
        lists += {"[": 1, "]": -1}.get(sign, 0)
        if name or (sign == "," and not lists):
            key = name
        elif sign == "{":
            opened.append((key, {}))
            key = ""
        elif sign == "}" and len(opened) > 1:
            key = opened.pop()[0]
        if name or word:
            opened[-1][1][key] = word
    path = [*filter(None, (*outer, *(name for name, _ in opened)))]
    return RecipePlace(tuple(path[1:]), key, opened[-1][1])


def members(
    path: Sequence[str], tree: Tree, whole: type[Record] = Train
) -> list[type[Record]]:
    """The records that can stand at a path below `train:`, or in a `whole` of another kind: of
    several kinds the one that is written there, where it is."""
    found = [whole]
    for place, part in enumerate(path, 1):
        types = _types(found, part)
        inner = [*flatten(map(records, types))]
        known = entries(tree, "train", *path[:place])
        written = {e.value.text for e in known.values()}
        found = _of_kind(inner, written)
    return found


def _of_kind(
    found: list[type[Record]], words: set[str]
) -> list[type[Record]]:
    """Those whose kind is one of some words, else all."""
    return [one for one in found if words & set(kinds(one))] or found


def keys_at(place: RecipePlace, tree: Tree) -> dict[str, str]:
    """Keys that can be written, and what each means."""
    found = _of_kind(members(place.path, tree), set(place.given.values()))
    top = (
        {}
        if place.path
        else {"recipe": "A recipe, whose keys these change."}
    )
    about = {
        key: text for one in found for key, text in about_keys(one).items()
    }
    return {
        key: text
        for key, text in (top | about).items()
        if key not in place.given
    }


@cache
def about_keys(record: type[Record]) -> dict[str, str]:
    """The keys of a record, its bases' too, and what each means."""
    known: dict[str, str] = {}
    for base in record.__mro__[::-1]:
        if issubclass(base, Record):
            known |= described(base)
    return {key: known.get(key, "") for key in fields(record)}


def values_at(place: RecipePlace, tree: Tree) -> list[str]:
    """Words that the value of a key can be."""
    if place.key == "recipe":
        return [*recipe_names()]
    found = _of_kind(members(place.path, tree), set(place.given.values()))
    types = _types(found, place.key)
    words = [*flatten(map(_words, types))]
    if place.key in TAGS:
        inner = flatten(map(records, types))
        words += flatten(map(kinds, inner))
    return list(dict.fromkeys(words))


def _types(found: Iterable[type[Record]], key: str) -> list[Any]:
    """What a key can be, of the records that have it."""
    return [fields(one)[key].type for one in found if key in fields(one)]


def _words(annotation: Any) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from of_type(str, get_args(annotation))
    else:
        yield from flatten(map(_words, get_args(annotation)))


def about(
    keys: Sequence[str], tree: Tree, whole: type[Record] = Train
) -> str:
    """What a key below `train:`, or in a `whole` of another kind, means, by the keys that lead to
    it; "" where it is none."""
    *path, key = keys
    found = members(path, tree, whole)
    texts = (about_keys(one).get(key, "") for one in found)
    return next(filter(None, texts), "")


def about_study(keys: Sequence[str]) -> str:
    """What a key of a study means."""
    return about(keys, NO_TREE, StudyFile) if keys else ""


def study_keys() -> dict[str, str]:
    """The keys of a study, and what each means."""
    return about_keys(StudyFile)
