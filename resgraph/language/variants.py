"""A file's tree and the name of a variant → the tree as that variant has it."""

from __future__ import annotations

from collections.abc import Iterable

from ..collecting import picked, without
from ..errors import Diagnostic, SpecError, UsageError, fault, ticked
from .diagnose.keys import EXAMPLES, Mistake
from .diagnose.nearest import did_you_mean, sure
from .grammar.words import FILE_KEYS, LATER_KEYS, NO_VARIANT
from .overlay import merge
from .schema import File, no_variant
from .yaml.tree import KeyValue, Mapping, entries_of, mapping_at


def variants_of(tree: Mapping) -> list[str]:
    """The names of the variants of a file."""
    return list(entries_of(tree, "variants"))


def apply_variant(tree: Mapping, variant: str) -> Mapping:
    """The tree as one of its variants has it. Raises `UsageError` for an unknown variant.

    A variant sets `let` values by their names, and keys of the file, which are laid over the file's
    as `extends` does."""
    values = _variant(tree, variant)
    wrong = [
        entry for key, entry in values.entries.items() if key in NO_VARIANT
    ]
    if wrong:
        raise SpecError(map(_refused, wrong))
    _need_maps(tree, variant, values)
    lets = values.without(*_file_keys(tree)).entries
    keys = values.without(*lets, "let", "expect").entries
    lets |= entries_of(values, "let")
    merged = merge(tree, tree.holding(keys)).entries
    entries = picked(merged, (*tree.entries, *keys))
    if expect := _expected(tree, variant, values):
        entries["expect"] = expect
    if lets:
        entries["let"] = _lets(tree, lets)
    return tree.holding(entries)


def _file_keys(tree: Mapping) -> set[str]:
    """The keys of a file that a variant can set, where no `let` has taken the name of one."""
    return {*FILE_KEYS} - (LATER_KEYS & entries_of(tree, "let").keys())


def _variant(tree: Mapping, variant: str) -> Mapping:
    """What a variant says."""
    known = entries_of(tree, "variants")
    if variant not in known:
        hint = did_you_mean(variant, known) or (
            f"it has {', '.join(known)}" if known else "it has no variants"
        )
        raise UsageError(
            f"no variant `{variant}` in {tree.span.source.name}: {hint}"
        )
    values = known[variant].value
    if not isinstance(values, Mapping):
        raise SpecError([no_variant(variant).at(tree)])
    return values


def _need_maps(tree: Mapping, variant: str, values: Mapping) -> None:
    """Raises `SpecError` for what is read entry by entry and is no map: by its words it would be a
    mistake of the file, or none."""
    wrong = [
        Mistake(
            ("variants", variant, key),
            f"`{key}` must be a map of names",
            EXAMPLES[key],
        )
        for key in ("let", "expect")
        if key in values.entries
        and not isinstance(values.entries[key].value, Mapping)
    ]
    if wrong:
        raise SpecError(mistake.at(tree) for mistake in wrong)


def _refused(entry: KeyValue) -> Diagnostic:
    """The error for a key that a variant cannot set."""
    message = f"a variant cannot set `{entry.key.text}`"
    hint = "let a `let` say what differs, or write a file of its own that `extends` this one"
    return fault("E064", message, entry.key.span, hint).diagnostic


def _lets(tree: Mapping, values: dict[str, KeyValue]) -> KeyValue:
    """The file's `let` with a variant's values. Keys stay where they were written; a value's place
    is the variant's."""
    base = mapping_at(tree, "let")
    known = base.entries
    unknown = [entry for key, entry in values.items() if key not in known]
    if unknown:
        raise SpecError(_no_let(entry, known) for entry in unknown)
    key = tree.entries["let"].key
    return KeyValue(key, base.holding({**known, **values}))


def _no_let(entry: KeyValue, lets: Iterable[str]) -> Diagnostic:
    """The error for a name in a variant that is no `let`, with what was meant by it."""
    name = entry.key.text
    settable = [*lets, *without(FILE_KEYS, NO_VARIANT)]
    listed = ticked(lets)
    near = (
        sure(name, settable)
        or File.home_of(name)
        or did_you_mean(name, settable)
    )
    has = (
        f"the file's `let` has {listed}"
        if listed
        else "the file has no `let`"
    )
    hint = near or f"{has}; a variant also sets keys of the file"
    return fault(
        "E064", f"`{name}` is no `let` of this file", entry.key.span, hint
    ).diagnostic


def _expected(
    tree: Mapping, variant: str, values: Mapping
) -> KeyValue | None:
    """The file's `expect` with what a variant itself expects, which stands under its name."""
    claims = tree.entries.get("expect")
    own = values.entries.get("expect")
    if own is None:
        return claims
    below = entries_of(tree, "expect")
    if any(
        not isinstance(claim.value, Mapping) for claim in below.values()
    ):
        return claims  # of no variant, which is the one mistake to tell
    place = own.key.span
    if variant in below and isinstance(own.value, Mapping):
        known = entries_of(mapping_at(tree, "expect"), variant)
        both = {**known, **own.value.entries}
        own = KeyValue(own.key, Mapping(both, place, True))
    key = (claims or own).key
    return KeyValue(key, Mapping({**below, variant: own}, place, True))
