"""Plan → its spec as one file of its own: `extends`, the variant and overrides applied."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..collecting import (
    each_name,
    each_value,
    only_keys,
    picked,
    without_keys,
)
from ..errors import Source, Span
from ..language.grammar.words import words_in
from ..language.yaml.emit import emit, emit_lines
from ..language.yaml.tree import (
    KeyValue,
    Mapping,
    Tree,
    bare,
    entries_of,
    scalars_in,
    tree_of,
)
from ..ops import shape_text
from ..passes.unread import reads
from ..plan import Plan

_ORDER = (
    "name", "about", "input", "let", "unit", "shortcut", "ops", "init", "blocks", "net",
    "output", "aux", "expect", "train", "allow",
)  # fmt: skip


def resolved(plan: Plan, *, defaults: bool = False) -> str:
    """YAML that loads to the same net, and to the same recipe; with `defaults`, what the spec left
    unsaid too."""
    return emit(_tree(plan, defaults=defaults))


def blame(plan: Plan) -> str:
    """The resolved spec with the place that set each line behind it, as a comment."""
    lines = list(emit_lines(_open_lets(_tree(plan, defaults=True))))
    wide = min(80, max(len(line) for line, span in lines if span))
    return "".join(
        f"{line:<{wide}}  # {_place(span)}\n" if span else f"{line}\n"
        for line, span in lines
    )


def _place(span: Span) -> str:
    return span.source.name if span.source.default else str(span)


def _open_lets(tree: Mapping) -> Mapping:
    """`let` a line each, so that each value shows its own place."""
    entry = tree.entries.get("let")
    if entry is None:
        return tree
    lets = Mapping(entry.value.entries, entry.value.span, False)
    return Mapping(
        {**tree.entries, "let": KeyValue(entry.key, lets)}, tree.span, False
    )


def _tree(plan: Plan, *, defaults: bool) -> Mapping:
    tree = plan.spec.tree
    filled = {key: _default(key, text) for key, text in DEFAULTS.items()}
    filled = (filled if defaults else {}) | tree.entries
    entries = picked(filled, _ORDER)
    given = tree.entries["input"]
    shapes = scalars_in(given.value)
    if any(re.search("[a-wyz]", shape.text) for shape in shapes):
        # of `let`s, which may then go unread
        entries["input"] = KeyValue(given.key, _inputs(plan, given.value))
    variant = plan.spec.variant
    if variant is not None:
        name = tree.entries["name"]
        if not plan.spec.named:
            entries["name"] = KeyValue(
                name.key, bare(variant, name.value.span)
            )
        entries |= _own_expect(tree, variant)
    if variant is None and plan.spec.variants:
        entries.pop("expect", None)
    # whole, so that a recipe of that name may change without changing this
    if plan.spec.train is not None:
        train = tree.entries["train"]
        entries["train"] = KeyValue(
            train.key, tree_of(plan.spec.train.document(), train.value.span)
        )
    return Mapping(_used(entries, plan), tree.span, False)


def _inputs(plan: Plan, given: Tree) -> Tree:
    """What comes in, in numbers."""
    texts = each_value(shape_text, plan.inputs)
    if not isinstance(given, Mapping):
        (text,) = texts.values()
        return bare(text, given.span)
    entries = {
        name: KeyValue(
            entry.key,
            bare(texts[name], entry.value.span),
        )
        for name, entry in given.entries.items()
    }
    return given.holding(entries)


DEFAULTS = {"unit": "conv bn relu", "shortcut": "projection"}


def _default(key: str, text: str) -> KeyValue:
    span = Span(
        Source(f"the default {key}", text, default=True),
        1,
        1,
        1,
        len(text) + 1,
    )
    return KeyValue(bare(key, span), bare(text, span))


def _own_expect(tree: Mapping, variant: str) -> dict[str, KeyValue]:
    """What this variant expects, as a file without variants says it."""
    entry = tree.entries.get("expect")
    if entry is None:
        return {}
    own = entry.value.entries.get(variant)
    return {
        "expect": KeyValue(
            entry.key,
            own.value if own else Mapping({}, entry.value.span, True),
        )
    }


_NAMED = ("blocks", "let")


def _used(entries: dict[str, KeyValue], plan: Plan) -> dict[str, KeyValue]:
    """Without what only other variants use, or who else extends a file: mistakes in a file of its
    own. A row that no output needs is one, too: here it would be of the same file as `output`."""
    entries = _only(entries, "net", set(each_name(plan.graph.rows)))
    for section in ("ops", "init"):
        given = entries_of(plan.spec.tree, section)
        read = {name for name in given if reads(plan.graph, section, name)}
        entries = _only(entries, section, read)
    while True:  # what was dropped may have been the last to use another
        words = {
            word
            for key in ("net", "let", "unit", "shortcut", "ops")
            if key in entries
            for word in words_in(entries[key].value)
        }
        called = _called(_inner(entries, "blocks"), words)
        words = words.union(*called.values())
        kept = _only(_only(entries, "blocks", called), "let", words)
        if all(
            len(_inner(kept, k)) == len(_inner(entries, k)) for k in _NAMED
        ):
            return kept
        entries = kept


def _called(
    blocks: dict[str, KeyValue], words: set[str]
) -> dict[str, set[str]]:
    """The blocks that words or other blocks name, each with the words in it."""
    inside = {
        name: set(words_in(block.value)) for name, block in blocks.items()
    }
    return {
        name: own
        for name, own in inside.items()
        if name in words.union(*(inside[by] for by in inside if by != name))
    }


def _inner(entries: dict[str, KeyValue], key: str) -> dict[str, KeyValue]:
    """The names below a key."""
    return entries[key].value.entries if key in entries else {}


def _only(
    entries: dict[str, KeyValue], key: str, names: Collection[str]
) -> dict[str, KeyValue]:
    """Entries with some of the names below a key, and without a key that has none left."""
    if key not in entries or not isinstance(
        old := entries[key].value, Mapping
    ):
        return entries
    inner = only_keys(old.entries, names)
    if not inner:
        return without_keys(entries, (key,))
    kept = KeyValue(entries[key].key, old.holding(inner))
    return {**entries, key: kept}
