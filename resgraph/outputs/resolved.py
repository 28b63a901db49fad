"""Plan → its spec as one file of its own: `extends`, the variant and overrides applied."""

from __future__ import annotations

from ..language.emit import emit
from ..language.tree import Entry, Mapping, Scalar
from ..plan import Plan

_ORDER = (
    "name", "about", "input", "let", "unit", "shortcut", "ops", "init", "blocks", "net", "expect", "train",
)  # fmt: skip


def resolved(plan: Plan) -> str:
    """YAML that loads to the same net, and to the same recipe."""
    tree = plan.spec.tree
    entries = {key: tree.entries[key] for key in _ORDER if key in tree.entries}
    variant = plan.spec.variant
    if variant is not None:
        name = tree.entries["name"]
        entries["name"] = Entry(name.key, Scalar(variant, variant, name.value.span, True))
        entries |= _own_expect(tree, variant)
    if variant is None and plan.spec.variants:
        entries.pop("expect", None)
    return emit(Mapping(_used(entries, plan), tree.span, False))


def _own_expect(tree: Mapping, variant: str) -> dict[str, Entry]:
    """What this variant expects, as a file without variants says it."""
    entry = tree.entries.get("expect")
    if entry is None or not isinstance(entry.value, Mapping):
        return {}
    own = entry.value.entries.get(variant)
    return {"expect": Entry(entry.key, own.value if own else Mapping({}, entry.value.span, True))}


def _used(entries: dict[str, Entry], plan: Plan) -> dict[str, Entry]:
    """Without the definitions that only other variants use, which would be mistakes in a file of its own."""
    from ..language.usage import words_in

    entries = dict(entries)
    while True:
        readers = [entries[key].value for key in ("net", "let", "unit", "shortcut", "ops") if key in entries]
        said = {word for reader in readers for word in words_in(reader)}
        kept: dict[str, Entry] = dict(entries)
        blocks = entries.get("blocks")
        if blocks and isinstance(blocks.value, Mapping):
            inside = {name: set(words_in(e.value)) for name, e in blocks.value.entries.items()}
            used = {
                name: e
                for name, e in blocks.value.entries.items()
                if name in said.union(*(words for other, words in inside.items() if other != name))
            }
            said = said.union(*(inside[name] for name in used))
            kept = _with(kept, "blocks", used)
        lets = entries.get("let")
        if lets and isinstance(lets.value, Mapping):
            kept = _with(kept, "let", {name: e for name, e in lets.value.entries.items() if name in said})
        if _names(kept) == _names(entries):
            return kept
        entries = kept


def _with(entries: dict[str, Entry], key: str, inner: dict[str, Entry]) -> dict[str, Entry]:
    old = entries[key]
    assert isinstance(old.value, Mapping)
    if not inner:
        return {k: e for k, e in entries.items() if k != key}
    return {**entries, key: Entry(old.key, Mapping(inner, old.value.span, old.value.flow))}


def _names(entries: dict[str, Entry]) -> list[list[str]]:
    return [
        list(e.value.entries) if (e := entries.get(key)) and isinstance(e.value, Mapping) else []
        for key in ("blocks", "let")
    ]
