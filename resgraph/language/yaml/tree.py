"""What a YAML text becomes: scalars, sequences and mappings → plain values, each with its place."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

from ...collecting import of_type, without_keys
from ...errors import Span


class Scalar(Struct):
    """One value. `text` is what was written, without quotes; `plain`: there were none, and no `|`
    or `>`."""

    value: str | int | float | bool
    text: str
    span: Span
    plain: bool
    # as a list or a map in brackets with nothing in it
    children: ClassVar[list[Tree]] = []
    items: ClassVar[list[Tree]] = []
    entries: ClassVar[dict[str, KeyValue]] = {}
    flow: ClassVar[bool] = True


def bare(text: str, span: Span) -> Scalar:
    """A text that is written without quotes."""
    return Scalar(text, text, span, True)


class KeyValue(Struct):
    """One key of a mapping and its value."""

    key: Scalar
    value: Tree


class Sequence(Struct):
    """A list, in brackets (`flow`) or with dashes."""

    items: list[Tree]
    span: Span
    flow: bool
    # as a map with nothing in it, and no text
    entries: ClassVar[dict[str, KeyValue]] = {}
    text: ClassVar[str] = ""
    value: ClassVar[None] = None

    @property
    def children(self) -> list[Tree]:
        return self.items


class Mapping(Struct):
    """Keys and values in the order of the file, in braces (`flow`) or line by line."""

    entries: dict[str, KeyValue]
    span: Span
    flow: bool
    # as a list with nothing in it, and no text
    items: ClassVar[list[Tree]] = []
    text: ClassVar[str] = ""
    value: ClassVar[None] = None

    @property
    def children(self) -> list[Tree]:
        """The values, without their keys."""
        return [entry.value for entry in self.entries.values()]

    def holding(self, entries: dict[str, KeyValue]) -> Mapping:
        """A mapping of other entries in the same place."""
        return Mapping(entries, self.span, self.flow)

    def without(self, *keys: str) -> Mapping:
        return self.holding(without_keys(self.entries, keys))


Tree = Scalar | Sequence | Mapping


def plain_value(tree: Tree) -> Any:
    """The tree as dicts, lists and values. Recurses as deep as the tree, which the reader
    bounds."""
    if isinstance(tree, Scalar):
        return tree.value
    if isinstance(tree, Sequence):
        return [*map(plain_value, tree.items)]
    return {
        name: plain_value(entry.value)
        for name, entry in tree.entries.items()
    }


def tree_of(value: Any, span: Span) -> Tree:
    """The inverse of `plain_value`: every part of the tree stands at `span`."""
    if isinstance(value, dict):
        keys = {str(key): bare(str(key), span) for key in value}
        parts = zip(keys.items(), value.values(), strict=True)
        return Mapping(
            {
                name: KeyValue(key, tree_of(part, span))
                for (name, key), part in parts
            },
            span,
            flow=False,
        )
    if isinstance(value, list | tuple):
        return Sequence(
            [tree_of(part, span) for part in value], span, flow=True
        )
    text = (
        ("true" if value else "false")
        if isinstance(value, bool)
        else str(value)
    )
    return Scalar(value, text, span, plain=not isinstance(value, str))


def mapping_at(tree: Tree, key: str) -> Mapping:
    """The map at a key, empty where there is none."""
    entry = tree.entries.get(key)
    if entry and isinstance(entry.value, Mapping):
        return entry.value
    return Mapping({}, tree.span, True)


def entries_of(tree: Tree, key: str) -> dict[str, KeyValue]:
    """The entries of the map at `key`, none where there is no map."""
    return mapping_at(tree, key).entries


def listed(tree: Mapping, key: str) -> list[Scalar]:
    """The scalars of the list at `key`, none where there is no list."""
    entry = tree.entries.get(key)
    return [*of_type(Scalar, entry.value.items if entry else ())]


def each_of(tree: Tree) -> list[Tree]:
    """The items of a list, or what stands alone."""
    return tree.items if isinstance(tree, Sequence) else [tree]


def scalars_in(tree: Tree) -> list[Scalar]:
    """A scalar, or those of a map of them."""
    values = tree.children if isinstance(tree, Mapping) else [tree]
    return [*of_type(Scalar, values)]
