"""Plan → its spec as one file of its own: `extends`, the variant and overrides applied."""

from __future__ import annotations

import re

from ..errors import Source, Span
from ..language.grammar.words import words_in
from ..language.yaml.emit import emit, emit_lines
from ..language.yaml.tree import Entry, Mapping, Scalar, entries_of, tree_of
from ..ops import shape_text
from ..passes.unread import reads
from ..plan import Plan

_ORDER = (
    "name", "about", "input", "let", "unit", "shortcut", "ops", "init", "blocks", "net",
    "expect", "train", "allow",
)  # fmt: skip


def resolved(plan: Plan, *, defaults: bool = False) -> str:
    """YAML that loads to the same net, and to the same recipe; with `defaults`, what the spec left
    unsaid too."""
    return emit(_tree(plan, defaults=defaults))


def blame(plan: Plan) -> str:
    """The resolved spec with the place that set each line behind it, as a comment."""
    lines = list(emit_lines(_open_lets(_tree(plan, defaults=True))))
    wide = min(80, max(len(line) for line, span in lines if span is not None))
    return "".join(
        f"{line:<{wide}}  # {_place(span)}\n" if span is not None else f"{line}\n"
        for line, span in lines
    )


def _place(span: Span) -> str:
    return span.source.name if span.source.default else str(span)


def _open_lets(tree: Mapping) -> Mapping:
    """`let` a line each, so that each value shows its own place."""
    entry = tree.entries.get("let")
    if entry is None or not isinstance(entry.value, Mapping):
        return tree
    lets = Mapping(entry.value.entries, entry.value.span, False)
    return Mapping({**tree.entries, "let": Entry(entry.key, lets)}, tree.span, False)


def _tree(plan: Plan, *, defaults: bool) -> Mapping:
    tree = plan.spec.tree
    entries = {key: tree.entries[key] for key in _ORDER if key in tree.entries}
    if defaults:
        filled = {
            key: entries.get(key) or _default(key, text)
            for key, text in DEFAULTS.items()
        }
        entries = {
            key: {**entries, **filled}[key]
            for key in _ORDER
            if key in {**entries, **filled}
        }
    given = tree.entries["input"]
    if re.search("[a-wyz]", given.value.text):  # type: ignore[union-attr]  # of `let`s, which may then go unread
        shape = shape_text(plan.input)
        entries["input"] = Entry(
            given.key, Scalar(shape, shape, given.value.span, True)
        )
    variant = plan.spec.variant
    if variant is not None:
        name = tree.entries["name"]
        if not plan.spec.named:
            entries["name"] = Entry(
                name.key, Scalar(variant, variant, name.value.span, True)
            )
        entries |= _own_expect(tree, variant)
    if variant is None and plan.spec.variants:
        entries.pop("expect", None)
    # whole, so that a recipe of that name may change without changing this
    if plan.spec.train is not None:
        train = tree.entries["train"]
        entries["train"] = Entry(
            train.key, tree_of(plan.spec.train.document(), train.value.span)
        )
    return Mapping(_used(entries, plan), tree.span, False)


DEFAULTS = {"unit": "conv bn relu", "shortcut": "projection"}


def _default(key: str, text: str) -> Entry:
    span = Span(
        Source(f"the default {key}", text, default=True), 1, 1, 1, len(text) + 1
    )
    return Entry(Scalar(key, key, span, True), Scalar(text, text, span, True))


def _own_expect(tree: Mapping, variant: str) -> dict[str, Entry]:
    """What this variant expects, as a file without variants says it."""
    entry = tree.entries.get("expect")
    if entry is None or not isinstance(entry.value, Mapping):
        return {}
    own = entry.value.entries.get(variant)
    return {
        "expect": Entry(
            entry.key, own.value if own else Mapping({}, entry.value.span, True)
        )
    }


def _used(entries: dict[str, Entry], plan: Plan) -> dict[str, Entry]:
    """Without what only other variants use, or who else extends a file: mistakes in a file of its
    own."""
    entries = dict(entries)
    for section in ("ops", "init"):
        if section in entries:
            given = entries_of(plan.spec.tree, section).items()
            entries = _with(
                entries,
                section,
                {name: e for name, e in given if reads(plan.graph, section, name)},
            )
    while True:
        readers = [
            entries[key].value
            for key in ("net", "let", "unit", "shortcut", "ops")
            if key in entries
        ]
        said = {word for reader in readers for word in words_in(reader)}
        kept: dict[str, Entry] = dict(entries)
        blocks = entries.get("blocks")
        if blocks and isinstance(blocks.value, Mapping):
            inside = {
                name: set(words_in(e.value)) for name, e in blocks.value.entries.items()
            }
            used = {
                name: e
                for name, e in blocks.value.entries.items()
                if name
                in said.union(
                    *(words for other, words in inside.items() if other != name)
                )
            }
            said = said.union(*(inside[name] for name in used))
            kept = _with(kept, "blocks", used)
        lets = entries.get("let")
        if lets and isinstance(lets.value, Mapping):
            kept = _with(
                kept,
                "let",
                {name: e for name, e in lets.value.entries.items() if name in said},
            )
        if _names(kept) == _names(entries):
            return kept
        entries = kept


def _with(
    entries: dict[str, Entry], key: str, inner: dict[str, Entry]
) -> dict[str, Entry]:
    old = entries[key]
    assert isinstance(old.value, Mapping)
    if not inner:
        return {k: e for k, e in entries.items() if k != key}
    return {
        **entries,
        key: Entry(old.key, Mapping(inner, old.value.span, old.value.flow)),
    }


def _names(entries: dict[str, Entry]) -> list[list[str]]:
    return [
        list(e.value.entries)
        if (e := entries.get(key)) and isinstance(e.value, Mapping)
        else []
        for key in ("blocks", "let")
    ]
