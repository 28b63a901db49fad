"""A file's tree → the names in it that are ops of a later version, and stay the file's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as Names
from collections.abc import Set as AbstractSet
from typing import TypeGuard

from ...errors import Span
from ...ops import LATER, VOCABULARY
from ..yaml.tree import Mapping, Tree

FIRST = VOCABULARY.keys() - LATER
"""The ops of the first version, whose words can name nothing else."""


class Words(frozenset[str]):
    """What can begin a label beside the ops; `own` are names of the file that an op has too, each
    with its first place."""

    own: Names[str, Span]

    def __new__(
        cls, words: Iterable[str] = (), own: Names[str, Span] | None = None
    ) -> Words:
        made = super().__new__(cls, words)
        made.own = own or {}
        return made

    def __or__(self, other: AbstractSet[str]) -> Words:  # type: ignore[override]
        return Words({*self, *other}, self.own)

    def __sub__(self, other: AbstractSet[object]) -> Words:
        return Words(super().__sub__(other), self.own)


def is_own(word: str, words: Collection[str]) -> bool:
    """Whether a word that is an op is a name of the file instead."""
    return isinstance(words, Words) and word in words.own


def own_names(tree: Mapping) -> dict[str, Span]:
    """The names of values, blocks, paths and rows, in a file or in its variants, that are later
    ops."""
    found: dict[str, Span] = {}
    for name, place in _names(tree):
        if name in LATER:
            found.setdefault(name, place)
    return found


def is_block(tree: Tree) -> TypeGuard[Mapping]:
    """Whether a value is a map of paths, as a block is written, and not one of options."""
    return (
        isinstance(tree, Mapping)
        and not {"op", "block"} & tree.entries.keys()
    )


def _names(tree: Tree, named: bool = False) -> Iterator[tuple[str, Span]]:
    """Every key at which something is defined; `named`, where those of the tree itself are."""
    for item in tree.items:
        yield from _names(item, named)
    if not is_block(tree):
        return
    for key, entry in tree.entries.items():
        if named:
            yield key, entry.key.span
        if named or key in ("let", "blocks", "net", "variants"):
            yield from _names(entry.value, named=True)
