"""`--set path=value` → the tree with the value at that path, and what was meant by a path that names nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import Source, SpecError, UsageError, fault
from .recipe import Train
from .recipe_errors import place_of
from .resolve import read_whole
from .tree import Entry, Mapping, Scalar, Tree
from .words import did_you_mean

_PATH = re.compile(r"[\w<>-]+(\.[\w<>-]+){0,15}")
_OPTIONAL = frozenset(["name", "about", "input", "unit", "shortcut", "init", "train", "ops", "expect", "allow"])
_FREE = frozenset(["train", "init", "ops", "expect"])  # maps whose missing keys have defaults


def apply_overrides(tree: Mapping, overrides: Iterable[str]) -> Mapping:
    """The tree with `--set path=value` applied, each value read as the file would be."""
    for override in overrides:
        path, found, text = override.partition("=")
        if not found or not _PATH.fullmatch(path.strip()) or "\n" in text:
            raise UsageError(f"`--set {override}`: write a path, `=` and a value, as in `--set let.e=2`")
        if path.strip().startswith("variants"):
            raise UsageError(
                f"`--set {override}`: a variant is applied before; set what it sets, as in `--set let.e=2`"
            )
        value, errors = read_whole(Source("--set", f"{path.strip()}: {text.strip()}"))
        if errors:
            raise SpecError(errors)
        (entry,) = value.entries.values()
        tree = _set(tree, path.strip().split("."), entry)
    return tree


def _set(tree: Mapping, path: list[str], entry: Entry, *, level: int = 0, free: bool = False) -> Mapping:
    key, rest = path[0], path[1:]
    below = tree.entries.get(key)
    if below is None and not (key in _OPTIONAL if level == 0 else free):
        raise _names_nothing(entry, _meant(path, tree) if level == 0 else _known(key, tree))
    value: Tree = entry.value
    if rest:
        inner: Tree = below.value if below else Mapping({}, entry.key.span, True)
        if level == 0 and key == "train" and isinstance(inner, Scalar):
            recipe = Scalar("recipe", "recipe", inner.span, True)
            inner = Mapping({"recipe": Entry(recipe, inner)}, inner.span, True)
        if not isinstance(inner, Mapping):
            raise _names_nothing(entry, f"`{key}` holds no names")
        value = _set(inner, rest, entry, level=level + 1, free=free or key in _FREE)
    return Mapping({**tree.entries, key: Entry(below.key if below else entry.key, value)}, tree.span, tree.flow)


def _meant(path: list[str], tree: Mapping) -> str:
    """The whole path of a name that stands deeper in a spec: `epochs` is `train.epochs`."""
    key, rest = path[0], "".join(f".{part}" for part in path[1:])
    lets = tree.entries.get("let")
    if lets and isinstance(lets.value, Mapping) and key in lets.value.entries:
        return f"did you mean `let.{key}{rest}`?"
    if place := place_of(key, Train):
        return f"did you mean `{'.'.join(('train', *place))}{rest}`?"
    return _known(key, tree)


def _known(key: str, tree: Mapping) -> str:
    return did_you_mean(key, tree.entries) or f"the names here are {', '.join(tree.entries)}"


def _names_nothing(entry: Entry, hint: str) -> SpecError:
    return SpecError([fault("E065", f"`{entry.key.text}` names nothing in this spec", entry.key.span, hint).diagnostic])
