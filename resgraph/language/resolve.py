"""A spec's file → one tree with `extends` and a variant applied; values keep the places they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import Diagnostic, Source, Span, SpecError, UsageError, fault
from .reader import open_source, read
from .references import locate, near, zoo_folder
from .tree import Entry, Mapping, Scalar
from .words import did_you_mean

_CHAIN = 8  # files in a chain of `extends`
_DEEP = frozenset(["let", "ops", "net", "variants", "blocks", "init", "train"])  # merged key by key


def read_file(path: Path, *, allow_outside: bool = False) -> tuple[Mapping, list[Diagnostic]]:
    """The tree of a file with what it extends merged in, and mistakes that leave a tree to go on with.

    Raises `SpecError` where there is none.
    """
    try:
        source = open_source(path)
    except SpecError as problem:
        raise SpecError([replace(d, help=d.help or near(path)) for d in problem.diagnostics]) from None
    return _Chain(path.resolve().parent, allow_outside).read(source, path, None)


def read_source(source: Source, path: Path, *, allow_outside: bool = False) -> tuple[Mapping, list[Diagnostic]]:
    """As `read_file`, of a text that is to stand in a file: an editor's buffer, or a mended copy."""
    return _Chain(path.resolve().parent, allow_outside).read(source, path, None)


def read_text(source: Source) -> tuple[Mapping, list[Diagnostic]]:
    """As `read_file`, of a text that is not a file; it cannot extend one."""
    tree, errors = read_whole(source)
    if extends := tree.entries.get("extends"):
        errors.append(fault("E060", "a text that is no file cannot extend one", extends.key.span).diagnostic)
    return tree, errors


def read_whole(source: Source) -> tuple[Mapping, list[Diagnostic]]:
    """The tree of a text and the mistakes in it. Raises `SpecError` where there is no tree."""
    tree, errors = read(source)
    if tree is None:
        raise SpecError(errors)
    return tree, errors


class _Chain:
    """Files that extend one another, the first one's directory, and those that are being read."""

    def __init__(self, directory: Path, allow_outside: bool) -> None:
        self.directory, self.allow_outside = directory, allow_outside
        self.open: list[tuple[tuple[int, int], Span | None, str]] = []

    def read(self, source: Source, path: Path, asked: Span | None) -> tuple[Mapping, list[Diagnostic]]:
        status = path.stat() if path.exists() else None  # an editor's buffer may have no file yet
        identity = (status.st_dev, status.st_ino) if status else (0, 0)
        if identity in [known for known, _, _ in self.open]:
            names = " → ".join([name for _, _, name in self.open] + [source.name])
            raise SpecError(
                [fault("E061", "this file extends itself", asked, "", "", f"the chain is {names}").diagnostic]
            )
        if len(self.open) >= _CHAIN:
            raise SpecError([fault("E004", f"a chain of more than {_CHAIN} files", asked).diagnostic])
        self.open.append((identity, asked, source.name))
        tree, errors = read_whole(source)
        if "extends" in tree.entries:
            tree, more = self.extend(tree, path)
            errors = more + errors
        self.open.pop()
        return tree, errors

    def extend(self, tree: Mapping, path: Path) -> tuple[Mapping, list[Diagnostic]]:
        entry = tree.entries["extends"].value
        if not isinstance(entry, Scalar) or not isinstance(entry.value, str):
            raise SpecError([fault("E060", "`extends` names one file", entry.span).diagnostic])
        try:
            found = locate(entry.value, path.parent)
        except UsageError as unclear:
            raise SpecError([fault("E060", str(unclear), entry.span).diagnostic]) from None
        base, name = found.path, entry.value.removesuffix(f"::{found.variant}")
        if not found.zoo:
            self._admit(base, name, path, entry.span)
        try:
            source = open_source(base)
        except SpecError as problem:  # said of the file; here it is asked for
            raise SpecError([replace(d, span=d.span or entry.span) for d in problem.diagnostics]) from None
        below, errors = self.read(source, base, entry.span)
        return merge(below if found.variant is None else _one_variant(below, found.variant, entry.span), tree), errors

    def _admit(self, base: Path, name: str, path: Path, asked: Span) -> None:
        """Refuse a file that is outside the directory of the spec (the zoo's extend one another), or not there."""
        directory = zoo_folder() if path.parent == zoo_folder() else self.directory
        try:
            outside = not base.resolve().is_relative_to(directory)
            there = base.exists()
        except (OSError, ValueError, RuntimeError):  # a name too long, a link to itself
            outside = there = False
        if not self.allow_outside and outside:
            help_ = "move it there, or give `--allow-outside`"
            raise SpecError([fault("E062", f"`{name}` is outside the directory of the spec", asked, help_).diagnostic])
        if not there:
            raise SpecError([fault("E060", f"there is no file `{name}` to extend", asked, near(base)).diagnostic])


def _one_variant(tree: Mapping, variant: str, asked: Span) -> Mapping:
    """A file as one of its variants has it, and no longer with variants of its own."""
    if variant not in variants_of(tree):
        problem = fault("E064", f"no variant `{variant}` to extend", asked, did_you_mean(variant, variants_of(tree)))
        raise SpecError([problem.diagnostic])
    chosen = apply_variant(tree, variant)
    return Mapping({k: e for k, e in chosen.entries.items() if k != "variants"}, chosen.span, chosen.flow)


def merge(base: Mapping, top: Mapping) -> Mapping:
    """`top` laid over `base`: maps merge key by key, all else replaces whole, `none` removes a key."""
    entries = {key: entry for key, entry in base.entries.items() if key not in ("expect", "extends")}
    for key, entry in top.entries.items():
        below = entries.get(key)
        if key == "extends":
            continue
        if isinstance(entry.value, Scalar) and entry.value.value == "none" and key != "shortcut":
            if below is None:
                raise _nothing_to_remove(entry, entries)
            del entries[key]
        elif key in _DEEP and below and isinstance(below.value, Mapping) and isinstance(entry.value, Mapping):
            entries[key] = Entry(below.key, _overlay(below.value, entry.value, deep=key in ("ops", "variants")))
        else:
            entries[key] = entry
    return Mapping(entries, top.span, top.flow)


def _overlay(base: Mapping, top: Mapping, *, deep: bool) -> Mapping:
    entries = dict(base.entries)
    for key, entry in top.entries.items():
        below = entries.get(key)
        if isinstance(entry.value, Scalar) and entry.value.value == "none":
            if below is None:
                raise _nothing_to_remove(entry, entries)
            del entries[key]
        elif deep and below and isinstance(below.value, Mapping) and isinstance(entry.value, Mapping):
            entries[key] = Entry(below.key, _overlay(below.value, entry.value, deep=False))
        else:
            entries[key] = entry
    return Mapping(entries, top.span, top.flow)


def _nothing_to_remove(entry: Entry, known: Iterable[str]) -> SpecError:
    name = entry.key.text
    return SpecError(
        [fault("E063", f"there is no `{name}` to remove", entry.key.span, did_you_mean(name, known)).diagnostic]
    )


def variants_of(tree: Mapping) -> list[str]:
    """The names of the variants of a file."""
    entry = tree.entries.get("variants")
    return list(entry.value.entries) if entry and isinstance(entry.value, Mapping) else []


def apply_variant(tree: Mapping, variant: str) -> Mapping:
    """The tree with the variant's values in `let`. Raises `UsageError` for an unknown variant."""
    known = variants_of(tree)
    if variant not in known:
        hint = did_you_mean(variant, known) or (f"it has {', '.join(known)}" if known else "it has no variants")
        raise UsageError(f"no variant `{variant}` in {tree.span.source.name}: {hint}")
    chosen = tree.entries["variants"].value
    assert isinstance(chosen, Mapping)
    values = chosen.entries[variant].value
    if not isinstance(values, Mapping):
        problem = fault("E022", "a variant is a map of `let` values", values.span, f"`{variant}: {{}}` changes none")
        raise SpecError([problem.diagnostic])
    lets = tree.entries.get("let")
    base = lets.value if lets and isinstance(lets.value, Mapping) else None
    unknown = [entry for key, entry in values.entries.items() if base is None or key not in base.entries]
    if unknown:
        raise SpecError(
            fault("E064", f"`{entry.key.text}` is no `let` of this file", entry.key.span,
                  did_you_mean(entry.key.text, base.entries if base else ())).diagnostic
            for entry in unknown
        )  # fmt: skip
    if base is None or lets is None:
        return tree
    entries = dict(tree.entries)
    # Keys stay where they were written; the value's place is the variant's.
    entries["let"] = Entry(lets.key, Mapping({**base.entries, **values.entries}, base.span, base.flow))
    return Mapping(entries, tree.span, tree.flow)
