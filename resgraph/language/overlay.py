"""Two trees → one: what stands above is laid over what stands below, name by name."""

from __future__ import annotations

from collections.abc import Iterable

from ..collecting import each_text, picked
from ..errors import Diagnostic, Fault, SpecError, fault
from ..ops import VOCABULARY
from .diagnose.nearest import did_you_mean
from .grammar.targets import literal_words
from .record import TAGS
from .yaml.tree import KeyValue, Mapping, Scalar, Tree, bare

# merged key by key
_DEEP = frozenset(
    ["input", "let", "ops", "net", "variants", "blocks", "init", "train"]
)


def merge(base: Mapping, top: Mapping) -> Mapping:
    """`top` laid over `base`: maps of names merge key by key, all else replaces whole, `none`
    removes a key.

    Raises `SpecError` with every name that is to be removed and is not there.
    """
    errors: list[Diagnostic] = []
    below = base.without("expect", "extends")
    above = top.without("extends")
    merged = _overlay(below, above, (), errors)
    if errors:
        raise SpecError(errors)
    return merged


def _overlay(
    base: Mapping,
    top: Mapping,
    path: tuple[str, ...],
    errors: list[Diagnostic],
) -> Mapping:
    entries = dict(base.entries)
    for key, entry in top.entries.items():
        below = entries.get(key)
        here = (*path, key)
        if is_none(entry.value) and not may_be_none(here):
            if below is None:
                problem = nothing_to_remove(key, entry, entries)
                errors.append(problem.diagnostic)
            entries.pop(key, None)
        elif below and (pair := _pair(below.value, entry.value, here)):
            entries[key] = KeyValue(
                below.key, _overlay(*pair, here, errors)
            )
        else:
            entries[key] = entry
    if path == ("net",):
        entries = picked(
            entries, _in_order(list(base.entries), list(top.entries))
        )
    return top.holding(entries)


def _pair(
    below: Tree, above: Tree, path: tuple[str, ...]
) -> tuple[Mapping, Mapping] | None:
    """The two maps that merge at a path, or None where what stands above replaces what stands
    below."""
    recipe = path[0] == "train"
    if path == ("train",):
        below = recipe_map(below)
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return None
    if recipe and _of_another_kind(below, above, TAGS.get(path[-1], "")):
        return None
    return (below, above) if recipe or removable((*path, "")) else None


def _of_another_kind(below: Mapping, above: Mapping, tag: str) -> bool:
    """Whether it is another optimizer or schedule that stands above, whose keys are its own."""
    now, before = (part.entries.get(tag) for part in (above, below))
    if not now or not before:
        return now is not None
    kinds = [
        kind.value
        for kind in (now, before)
        if isinstance(kind.value, Scalar)
    ]
    return len(set(each_text(kinds))) > 1


def recipe_map(tree: Tree) -> Tree:
    """`train: digits` as the map that it is short for, `{recipe: digits}`."""
    if not isinstance(tree, Scalar):
        return tree
    key = bare("recipe", tree.span)
    return Mapping({"recipe": KeyValue(key, tree)}, tree.span, True)


def is_none(tree: Tree) -> bool:
    """Whether a value is the word `none`."""
    return tree.value == "none"


def may_be_none(path: tuple[str, ...]) -> bool:
    """Whether `none` is a value at a path: a policy, what a recipe goes without, a conv that has no
    bias."""
    match path:
        case ("shortcut",) | ("variants", *_, "shortcut"):
            return True
        case ("ops", str(word), str(key)) if word in VOCABULARY:
            op = VOCABULARY[word]
            return key in op.fields() and "none" in literal_words(op, key)
    return path[0] == "train" and len(path) > 1


def removable(path: tuple[str, ...]) -> bool:
    """Whether `none` at a path takes a name away: a key of a file, and a name in a map that merges
    key by key."""
    return len(path) == 1 or (
        path[0] in _DEEP
        and len(path) <= (3 if path[0] in ("ops", "variants") else 2)
    )


def _in_order(base: list[str], top: list[str]) -> list[str]:
    """The names of rows: in `top`'s order where it names all of `base`, else in `base`'s.

    A name that is new stands before the one that `top` names behind it, and last where there is
    none."""
    if set(base) <= set(top):
        return top
    out = list(base)
    following = ""
    for name in reversed(top):
        if name not in out:
            out.insert(
                out.index(following) if following else len(out), name
            )
        following = name
    return out


def nothing_to_remove(
    key: str, entry: KeyValue, known: Iterable[str]
) -> Fault:
    """The error for `none` where there is nothing; `key` is the last part of a path that may be
    longer."""
    message = f"there is no `{entry.key.text}` to remove"
    hint = did_you_mean(key, known)
    return fault("E063", message, entry.key.span, hint)
