"""What a YAML text becomes: scalars, sequences and mappings → plain values, each with its place."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ...collecting import of_type
from ...errors import Span


class Scalar(Struct):
    """One value. `text` is what was written, without quotes; `plain`: there were none, and no `|`
    or `>`."""

    value: str | int | float | bool
    text: str
    span: Span
    plain: bool


class KeyValue(Struct):
    """One key of a mapping and its value."""

    key: Scalar
    value: Tree


class Sequence(Struct):
    """A list, in brackets (`flow`) or with dashes."""

    items: list[Tree]
    span: Span
    flow: bool


class Mapping(Struct):
    """Keys and values in the order of the file, in braces (`flow`) or line by line."""

    entries: dict[str, KeyValue]
    span: Span
    flow: bool

    def holding(self, entries: dict[str, KeyValue]) -> Mapping:
        """A mapping of other entries in the same place."""
        return Mapping(entries, self.span, self.flow)

    def without(self, *keys: str) -> Mapping:
        kept = self.entries.keys() - keys
        return self.holding(
            {k: e for k, e in self.entries.items() if k in kept}
        )


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
        keys = {
            str(key): Scalar(str(key), str(key), span, plain=True)
            for key in value
        }
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


def entries_of(tree: Tree, key: str) -> dict[str, KeyValue]:
    """The entries of the map at `key`, none where there is no map."""
    entry = tree.entries.get(key) if isinstance(tree, Mapping) else None
    return (
        entry.value.entries
        if entry and isinstance(entry.value, Mapping)
        else {}
    )


def scalars_in(tree: Tree) -> list[Scalar]:
    """A scalar, or those of a map of them."""
    if isinstance(tree, Mapping):
        values = [entry.value for entry in tree.entries.values()]
        return [*of_type(Scalar, values)]
    return [tree] if isinstance(tree, Scalar) else []
