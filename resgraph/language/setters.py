"""A mistake → the values that it is about which stand elsewhere: in a variant, in `--set`, in a
file of `extends`.

A mistake stands at the text that cannot be; what made it so may be a value that another place gives
to a name there."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from ..collecting import among
from ..errors import Diagnostic, Related, Span
from .grammar.words import words_in, words_of
from .yaml.tree import (
    KeyValue,
    Mapping,
    Scalar,
    Tree,
    entries_of,
    mapping_at,
    scalars_in,
)

_MOST = 3  # places that are shown for one mistake
# maps that merge name by name
_MAPS = (("let",), ("blocks",), ("net",), ("ops",))
# maps whose names labels and equations read
_NAMED = ("let", "blocks", "net")
# which may be wrong for what is set elsewhere, though they stand in a `--set`
_OF_SHAPES = frozenset(f"E04{n}" for n in range(10))
_CLAIM = "E050"  # stands under the name of its variant
# of which no shape depends
_SILENT = frozenset(
    [
        "name",
        "about",
        "output",
        "aux",
        "variants",
        "expect",
        "allow",
        "extends",
    ]
)


class Setters:
    """Who gave a tree its values: its own file, one that it extends, a variant, or `--set`."""

    def __init__(self, tree: Mapping, variant: str | None) -> None:
        self.tree = tree
        self.variant = variant
        variants = mapping_at(tree, "variants")
        self.of_variant = frozenset(
            _places(mapping_at(variants, variant or ""))
        )

    def named(self, found: Diagnostic) -> Diagnostic:
        """The mistake with the places that give values to the names which it is about, where those
        are elsewhere."""
        places = [found.span, *(related.span for related in found.related)]
        given = [*self._read(places)] or [
            *self._read(_label_around(self.tree, found.span))
        ]
        new = [one for one in given if one.span not in places]
        related = found.related + tuple(new[:_MOST])
        notes = found.notes
        if self.is_of_variant(found.span):
            notes += (f"in variant `{self.variant}`",)
        return replace(found, related=related, notes=notes)

    def at_least(self, found: Diagnostic) -> Diagnostic:
        """A mistake of shapes that names nothing of what was set elsewhere, with all that was."""
        if (
            not found.span
            or found.code == _CLAIM
            or self.is_of_variant(found.span)
        ):
            return found
        if found.span.source.is_override and found.code not in _OF_SHAPES:
            return found
        everything = tuple(
            one
            for one in self._elsewhere(found.span)
            if not _is_one_override(one.span, found.span)
        )
        places = {one.span for one in everything}
        if any(told.span in places for told in found.related):
            return found
        return replace(found, related=found.related + everything[:_MOST])

    def is_of_variant(self, span: Span) -> bool:
        """Whether something is written in the variant that the tree is of."""
        return any(place.covers(span) for place in self.of_variant)

    def _read(self, places: list[Span]) -> Iterator[Related]:
        """What gives a value to a name in the texts at some places, or in a value that such a name
        has."""
        theirs = [place for place in places if not place.source.ours]
        words = [
            (word, place) for place in theirs for word in self._words(place)
        ]
        inner = ChainMap(*map(self._lets_around, reversed(places)))
        seen: set[str] = set()
        while words:
            word, place = words.pop(0)
            if word in seen:
                continue
            seen.add(word)
            for key in _NAMED:
                if entry := entries_of(self.tree, key).get(word):
                    yield from self._shown(word, key, entry, place)
            for lets in (entries_of(self.tree, "let"), inner):
                if word in lets:
                    value = lets[word].value
                    words += [
                        (inside, value.span) for inside in words_in(value)
                    ]

    def _words(self, place: Span) -> list[str]:
        entry = self.tree.entries.get("input")
        # `3xsidexside`: its names stand in no words of their own
        if entry and any(
            shape.span == place for shape in scalars_in(entry.value)
        ):
            return among(entries_of(self.tree, "let"), place.written())
        return list(words_of(place.written()))

    def _lets_around(self, place: Span) -> dict[str, KeyValue]:
        """The `let`s of the block in which something stands."""
        around = (
            e.value
            for e in entries_of(self.tree, "blocks").values()
            if e.value.span.covers(place)
        )
        return next((entries_of(block, "let") for block in around), {})

    def _shown(
        self, word: str, key: str, entry: KeyValue, place: Span
    ) -> Iterator[Related]:
        """The place of a value, where that is not in the file whose text at `place` reads it."""
        span = entry.value.span
        if span in self.of_variant:
            yield Related(
                _head(entry), f"variant `{self.variant}` sets `{word}`"
            )
        elif span.source != place.source and not span.source.ours:
            yield Related(
                _head(entry),
                f"`{word}` is {'set' if key == 'let' else 'defined'} here",
            )

    def _elsewhere(self, place: Span) -> Iterator[Related]:
        """All that a variant and `--set` set, and of a mistake in a file that is extended, what the
        other says."""
        for name, entry in _settings(
            self.tree, lambda span: self._is_elsewhere(span, place)
        ):
            if entry.value.span in self.of_variant:
                yield Related(
                    _head(entry),
                    f"variant `{self.variant}` sets `{name.removeprefix('let.')}`",
                )
            else:
                yield Related(_head(entry), f"`{name}` is set here")

    def _is_elsewhere(self, span: Span, place: Span) -> bool:
        above = (
            not place.source.is_override
            and place.source != self.tree.span.source
            and not place.source.ours
        )
        return (
            span in self.of_variant
            or span.source.is_override
            or (above and span.source == self.tree.span.source)
        )


def _is_one_override(one: Span, other: Span) -> bool:
    """Whether two places stand in the same `--set`: what is shown of one is seen of the other."""
    return one.source.is_override and one.source == other.source


def _head(entry: KeyValue) -> Span:
    """Where a value begins: at its key, if that was written with it."""
    key = entry.key.span
    value = entry.value.span
    return (
        key
        if key.source == value.source and 0 <= value.line - key.line < 2
        else value
    )


def _label_around(tree: Tree, place: Span) -> list[Span]:
    """The label or equation in which something stands, none where that is nowhere in the tree."""
    stack = [tree]
    while stack:
        top = stack.pop()
        if isinstance(top, Scalar) and top.span.covers(place):
            return [top.span]
        stack += top.children
    return []


def _places(tree: Tree) -> Iterator[Span]:
    """The places of all values in a map of maps."""
    for entry in tree.entries.values():
        yield entry.value.span
        yield from _places(entry.value)


def _settings(
    tree: Tree,
    is_set: Callable[[Span], bool],
    path: tuple[str, ...] = (),
) -> Iterator[tuple[str, KeyValue]]:
    """What is set, by the names that `--set` has for it; of a map that was set as one, the map."""
    for key, entry in tree.entries.items():
        here = (*path, key)
        if here[0] in _SILENT:
            continue
        if here not in _MAPS and is_set(entry.value.span):
            yield ".".join(here), entry
        else:
            yield from _settings(entry.value, is_set, here)
