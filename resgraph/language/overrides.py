"""`--set path=value` → the tree with the value at that path, and what was meant by a path that
names nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ..collecting import each_text, of_type
from ..dotted import first_word
from ..errors import OVERRIDE, Source, SpecError, UsageError, fault
from .diagnose.nearest import did_you_mean
from .extends import read_whole
from .overlay import (
    is_none,
    may_be_none,
    nothing_to_remove,
    recipe_map,
    removable,
)
from .record import path_of
from .yaml.tree import KeyValue, Mapping, Scalar, Sequence, Tree, entries_of

_PATH = re.compile(r"[\w<>-]+(\.[\w<>-]+){0,15}")
_OPTIONAL = frozenset(
    [
        "name",
        "about",
        "input",
        "unit",
        "shortcut",
        "init",
        "train",
        "ops",
        "expect",
        "allow",
        "output",
        "aux",
    ]
)
# maps whose missing keys have defaults
_FREE = frozenset(["train", "init", "ops", "expect"])


def apply_overrides(tree: Mapping, overrides: Iterable[str]) -> Mapping:
    """The tree with `--set path=value` applied, each value read as the file would be; `none`
    removes, as in `extends`.

    What the file expects of itself is void once an override changes its net.
    """
    for override in overrides:
        path, found, text = override.partition("=")
        path = path.strip()
        if not found or not _PATH.fullmatch(path) or "\n" in text:
            raise UsageError(
                f"`--set {override}`: write a path, `=` and a value, as in `--set let.e=2`"
            )
        if not is_path(path):
            raise UsageError(
                f"`--set {override}`: a variant is applied before; set what it sets, as in `--set"
                " let.e=2`"
            )
        tree = _set(
            tree, path.split("."), _entry(f"{path}: {text.strip()}")
        )
    return tree


@lru_cache(maxsize=1024)
def _entry(text: str) -> KeyValue:
    """What an override says. The nets of a study have most of theirs in common."""
    value, errors = read_whole(Source(OVERRIDE, text))
    if errors:
        raise SpecError(errors)
    (entry,) = value.entries.values()
    return entry


def is_path(text: str) -> bool:
    """Whether a text can be the path of an override: a variant is applied before them."""
    return bool(_PATH.fullmatch(text)) and not text.startswith("variants")


_SHAPING = frozenset(
    [
        "input",
        "let",
        "unit",
        "shortcut",
        "ops",
        "blocks",
        "net",
        "output",
        "aux",
    ]
)


def reshape(overrides: Iterable[str]) -> bool:
    """Whether overrides change the net."""
    paths = [override.partition("=")[0].strip() for override in overrides]
    return any(first_word(path) in _SHAPING for path in paths)


def voided(tree: Mapping, overrides: Iterable[str]) -> Mapping:
    """The tree without the claims that its file makes of a net that overrides change; those they
    make are kept."""
    entry = tree.entries.get("expect")
    if entry is None or not reshape(overrides):
        return tree
    kept = _claimed(entry.value)
    rest = tree.without("expect").entries
    return tree.holding(
        rest | ({"expect": KeyValue(entry.key, kept)} if kept else {})
    )


def _claimed(tree: Tree) -> Mapping | None:
    """What overrides say of a map."""
    kept: dict[str, KeyValue] = {}
    for name, entry in tree.entries.items():
        own = entry.value if entry.value.span.source.is_override else None
        value = (
            _claimed(entry.value)
            if isinstance(entry.value, Mapping)
            else own
        )
        if value is not None:
            kept[name] = KeyValue(entry.key, value)
    return Mapping(kept, tree.span, tree.flow) if kept else None


def takes(tree: Mapping, override: str) -> bool:
    """Whether the path of an override names something in a spec."""
    try:
        apply_overrides(tree, [override])
    except SpecError as problem:
        return problem.diagnostics[0].code not in ("E063", "E065")
    return True


def _set(
    tree: Mapping,
    path: list[str],
    entry: KeyValue,
    *,
    level: int = 0,
    free: bool = False,
) -> Mapping:
    key = path[0]
    rest = path[1:]
    below = tree.entries.get(key)
    if (
        not rest
        and is_none(entry.value)
        and _removes(tuple(entry.key.text.split(".")))
    ):
        return _without(tree, key, entry)
    if below is None and not (key in _OPTIONAL if level == 0 else free):
        around = entry.key.text.split(".")[:level]
        hint = _known(key, tree, around) if level else _meant(path, tree)
        raise _names_nothing(entry, hint)
    value: Tree = entry.value
    if rest:
        free = free or key in _FREE
        inner = _map_at(below, path, entry, level, free=free)
        value = _set(inner, rest, entry, level=level + 1, free=free)
    head = below.key if below else entry.key
    return tree.holding({**tree.entries, key: KeyValue(head, value)})


def _map_at(
    below: KeyValue | None,
    path: list[str],
    entry: KeyValue,
    level: int,
    *,
    free: bool,
) -> Mapping:
    """The map in which the rest of a path leads on from its first key."""
    key = path[0]
    inner: Tree = (
        below.value if below else Mapping({}, entry.key.span, True)
    )
    if level == 0 and key == "train":
        inner = recipe_map(inner)
    if isinstance(inner, Mapping) and (inner.entries or free):
        return inner
    raise _names_nothing(entry, _whole(inner, path[1:], entry))


def _whole(tree: Tree, rest: list[str], entry: KeyValue) -> str:
    """That a value holds no names, and the override that sets it; of a list one element of which
    is to be another, as it would be then."""
    path = entry.key.text.removesuffix(f".{'.'.join(rest)}")
    last = path.rpartition(".")[2]
    if not isinstance(tree, Sequence):
        return f"`{last}` is set whole: write `--set {path}=…`"
    texts = each_text(of_type(Scalar, tree.items))
    is_one = len(rest) == 1 and re.fullmatch(r"-?\d+", rest[0])
    said = "a list is set whole"
    if is_one and not 0 <= int(rest[0]) < len(tree.items):
        said = (
            f"the list has {_elements(len(tree.items))}, and is set whole"
        )
    elif is_one and isinstance(entry.value, Scalar):
        texts[int(rest[0])] = entry.value.text
    if len(texts) < len(tree.items):
        return f"{said}: write `--set {path}=…`"
    return f"{said}: write `--set {path}='[{', '.join(texts)}]'`"


def _elements(count: int) -> str:
    """`the elements 0 to 2`."""
    if count > 1:
        return f"the elements 0 to {count - 1}"
    return "one element, 0" if count else "no elements"


def _removes(path: tuple[str, ...]) -> bool:
    """Whether `none` at a path takes a name away; of a `let` it is a value."""
    return path[0] == "expect" or (
        path[0] != "let" and removable(path) and not may_be_none(path)
    )


def _without(tree: Mapping, key: str, entry: KeyValue) -> Mapping:
    if key not in tree.entries:
        raise nothing_to_remove(key, entry, tree.entries).spec_error()
    return tree.without(key)


def _meant(path: list[str], tree: Mapping) -> str:
    """What was meant by a path whose first name a spec has not: the whole path of one that stands
    deeper in a spec (`epochs` is `train.epochs`), or what to write for a section that the file
    lacks."""
    from .recipe import Train

    key = path[0]
    rest = "".join(f".{part}" for part in path[1:])
    if key in entries_of(tree, "let"):
        return f"did you mean `let.{key}{rest}`?"
    if key in _SECTIONS and rest:
        return _SECTIONS[key].format(*path[1:])
    if place := path_of(key, Train):
        return f"did you mean `{'.'.join(('train', *place))}{rest}`?"
    return _known(key, tree, [], rest)


_SECTIONS = {
    "let": (
        "the spec has no `let`: give it one, `let: {{{0}: …}}`, and read it, as in `3x3 conv {0}`"
    ),
    "blocks": (
        "the spec has no `blocks`; a call sets what a block of the library reads, as in"
        " `bottleneck 64 dilation 2`"
    ),
}
"""What to do where a section is not there, with the name after it."""


def _known(
    key: str, tree: Mapping, around: list[str], rest: str = ""
) -> str:
    """The whole path that was meant by a key of a map that stands at a path; or all its keys."""
    near = did_you_mean(key, tree.entries)
    if near.write:
        return f"did you mean `{'.'.join([*around, near.write])}{rest}`?"
    return f"the names here are {', '.join(tree.entries)}"


def _names_nothing(entry: KeyValue, hint: str) -> SpecError:
    return fault(
        "E065",
        f"`{entry.key.text}` names nothing in this spec",
        entry.key.span,
        hint,
    ).spec_error()
