"""A spec's file → one tree with `extends` and a variant applied; values keep the places they came
from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import Diagnostic, Source, Span, SpecError, UsageError, fault
from ..ops import VOCABULARY
from .diagnose.nearest import did_you_mean, sure
from .grammar.targets import literal_words
from .grammar.words import FILE_KEYS, NO_VARIANT
from .recipe import TAGS
from .references import locate, near, zoo_folder
from .schema import File
from .yaml.reader import open_source, read
from .yaml.tree import Entry, Mapping, Scalar, Tree

_CHAIN = 8  # files in a chain of `extends`
# merged key by key
_DEEP = frozenset(["let", "ops", "net", "variants", "blocks", "init", "train"])


def read_file(
    path: Path, *, allow_outside: bool = False
) -> tuple[Mapping, list[Diagnostic]]:
    """The tree of a file with what it extends merged in, and mistakes that leave a tree to go on
    with.

    Raises `SpecError` where there is none.
    """
    try:
        source = open_source(path)
    except SpecError as problem:
        if not (hint := near(path)):
            raise
        raise SpecError(
            [replace(d, help=str(hint)) for d in problem.diagnostics]
        ) from None
    return _Chain(path.resolve().parent, allow_outside).read(source, path, None)


def read_source(
    source: Source, path: Path, *, allow_outside: bool = False
) -> tuple[Mapping, list[Diagnostic]]:
    """As `read_file`, of a text that is to stand in a file: an editor's buffer, or a mended
    copy."""
    return _Chain(path.resolve().parent, allow_outside).read(source, path, None)


def read_text(source: Source) -> tuple[Mapping, list[Diagnostic]]:
    """As `read_file`, of a text that is not a file; it cannot extend one."""
    tree, errors = read_whole(source)
    if extends := tree.entries.get("extends"):
        errors.append(
            fault(
                "E060", "a text that is no file cannot extend one", extends.key.span
            ).diagnostic
        )
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

    def read(
        self, source: Source, path: Path, asked: Span | None
    ) -> tuple[Mapping, list[Diagnostic]]:
        # an editor's buffer may have no file yet
        status = path.stat() if path.exists() else None
        identity = (status.st_dev, status.st_ino) if status else (0, 0)
        if identity in [known for known, _, _ in self.open]:
            names = " → ".join([name for _, _, name in self.open] + [source.name])
            raise fault(
                "E061",
                "this file extends itself",
                asked,
                "",
                "",
                f"the chain is {names}",
            ).spec_error()
        if len(self.open) >= _CHAIN:
            raise fault(
                "E004", f"a chain of more than {_CHAIN} files", asked
            ).spec_error()
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
            raise fault("E060", "`extends` names one file", entry.span).spec_error()
        try:
            found = locate(entry.value, path.parent)
        except UsageError as unclear:
            raise fault("E060", str(unclear), entry.span).spec_error() from None
        base, name = found.path, entry.value.removesuffix(f"::{found.variant}")
        if not found.zoo:
            self._admit(base, name, path, entry.span)
        try:
            source = open_source(base)
        except SpecError as problem:  # said of the file; here it is asked for
            raise SpecError(
                [replace(d, span=d.span or entry.span) for d in problem.diagnostics]
            ) from None
        below, errors = self.read(source, base, entry.span)
        return (
            merge(
                below
                if found.variant is None
                else _one_variant(below, found.variant, entry.span),
                tree,
            ),
            errors,
        )

    def _admit(self, base: Path, name: str, path: Path, asked: Span) -> None:
        """Refuse a file that is outside the directory of the spec (the zoo's extend one another),
        or not there."""
        directory = zoo_folder() if path.parent == zoo_folder() else self.directory
        try:
            outside = not base.resolve().is_relative_to(directory)
            there = base.exists()
        except (OSError, ValueError, RuntimeError):  # a name too long, a link to itself
            outside = there = False
        if not self.allow_outside and outside:
            help_ = "move it there, or give `--allow-outside`"
            raise fault(
                "E062",
                f"`{name}` is outside the directory of the spec",
                asked,
                help_,
            ).spec_error()
        if not there:
            hint = replace(near(base), span=_within(asked, name))
            raise fault(
                "E060", f"there is no file `{name}` to extend", asked, hint
            ).spec_error()


def _within(asked: Span, part: str) -> Span:
    """Where a part of what is extended is written: its file, or its variant."""
    start = max(0, asked.written().rfind(part))
    return asked.part(start, start + len(part))


def _one_variant(tree: Mapping, variant: str, asked: Span) -> Mapping:
    """A file as one of its variants has it, and no longer with variants of its own."""
    if variant not in variants_of(tree):
        hint = replace(
            did_you_mean(variant, variants_of(tree)), span=_within(asked, variant)
        )
        raise fault(
            "E064", f"no variant `{variant}` to extend", asked, hint
        ).spec_error()
    chosen = apply_variant(tree, variant)
    return Mapping(
        {k: e for k, e in chosen.entries.items() if k != "variants"},
        chosen.span,
        chosen.flow,
    )


def merge(base: Mapping, top: Mapping) -> Mapping:
    """`top` laid over `base`: maps of names merge key by key, all else replaces whole, `none`
    removes a key.

    Raises `SpecError` with every name that is to be removed and is not there.
    """
    below = {
        key: e for key, e in base.entries.items() if key not in ("expect", "extends")
    }
    above = {key: entry for key, entry in top.entries.items() if key != "extends"}
    errors: list[Diagnostic] = []
    merged = _overlay(
        Mapping(below, base.span, False), Mapping(above, top.span, top.flow), (), errors
    )
    if errors:
        raise SpecError(errors)
    return merged


def _overlay(
    base: Mapping, top: Mapping, path: tuple[str, ...], errors: list[Diagnostic]
) -> Mapping:
    entries = dict(base.entries)
    for key, entry in top.entries.items():
        below, here = entries.get(key), (*path, key)
        if is_none(entry.value) and not may_be_none(here):
            if below is None:
                errors.append(_nothing_to_remove(entry, entries))
            entries.pop(key, None)
        elif below and (pair := _pair(below.value, entry.value, here)):
            entries[key] = Entry(below.key, _overlay(*pair, here, errors))
        else:
            entries[key] = entry
    if path == ("net",):
        entries = {
            name: entries[name]
            for name in _in_order(list(base.entries), list(top.entries))
            if name in entries
        }
    return Mapping(entries, top.span, top.flow)


def _pair(
    below: Tree, above: Tree, path: tuple[str, ...]
) -> tuple[Mapping, Mapping] | None:
    """The two maps that merge at a path, or None where what stands above replaces what stands
    below."""
    if path[0] == "train":
        below = recipe_map(below) if path == ("train",) else below
        tag = TAGS.get(path[-1])
        if (
            isinstance(above, Mapping)
            and isinstance(below, Mapping)
            and tag in above.entries
        ):
            kinds = [
                part.entries[tag].value
                for part in (below, above)
                if tag in part.entries
            ]
            if (
                len({kind.text for kind in kinds if isinstance(kind, Scalar)}) > 1
                or len(kinds) == 1
            ):
                return None  # another optimizer or schedule, whose keys are its own
    elif not removable((*path, "")):
        return None
    return (
        (below, above)
        if isinstance(below, Mapping) and isinstance(above, Mapping)
        else None
    )


def recipe_map(tree: Tree) -> Tree:
    """`train: digits` as the map that it is short for, `{recipe: digits}`."""
    if not isinstance(tree, Scalar):
        return tree
    key = Scalar("recipe", "recipe", tree.span, True)
    return Mapping({"recipe": Entry(key, tree)}, tree.span, True)


def is_none(tree: Tree) -> bool:
    """Whether a value is the word `none`."""
    return isinstance(tree, Scalar) and tree.value == "none"


def may_be_none(path: tuple[str, ...]) -> bool:
    """Whether `none` is a value at a path: a policy, what a recipe goes without, a conv that has no
    bias."""
    if path[-1] == "shortcut" and (len(path) == 1 or path[0] == "variants"):
        return True
    if path[0] == "ops" and len(path) == 3 and path[1] in VOCABULARY:
        op = VOCABULARY[path[1]]
        return path[2] in op.model_fields and "none" in literal_words(op, path[2])
    return path[0] == "train" and len(path) > 1


def removable(path: tuple[str, ...]) -> bool:
    """Whether `none` at a path takes a name away: a key of a file, and a name in a map that merges
    key by key."""
    return len(path) == 1 or (
        path[0] in _DEEP and len(path) <= (3 if path[0] in ("ops", "variants") else 2)
    )


def _in_order(base: list[str], top: list[str]) -> list[str]:
    """The names of rows: in `top`'s order where it names all of `base`, else in `base`'s.

    A name that is new stands before the one that `top` names behind it, and last where there is
    none."""
    if set(base) <= set(top):
        return top
    out, following = list(base), ""
    for name in reversed(top):
        if name not in out:
            out.insert(out.index(following) if following else len(out), name)
        following = name
    return out


def _nothing_to_remove(entry: Entry, known: Iterable[str]) -> Diagnostic:
    """The error for `none` where there is nothing."""
    name = entry.key.text
    message = f"there is no `{name}` to remove"
    return fault("E063", message, entry.key.span, did_you_mean(name, known)).diagnostic


def variants_of(tree: Mapping) -> list[str]:
    """The names of the variants of a file."""
    entry = tree.entries.get("variants")
    return (
        list(entry.value.entries) if entry and isinstance(entry.value, Mapping) else []
    )


def apply_variant(tree: Mapping, variant: str) -> Mapping:
    """The tree as one of its variants has it. Raises `UsageError` for an unknown variant.

    A variant sets `let` values by their names, and keys of the file, which are laid over the file's
    as `extends` does."""
    values = _variant(tree, variant)
    wrong = [
        _refused(entry) for key, entry in values.entries.items() if key in NO_VARIANT
    ]
    if wrong:
        raise SpecError(wrong)
    inner = values.entries.get("let")
    keys = {
        key: entry
        for key, entry in values.entries.items()
        if key in FILE_KEYS and key not in ("let", "expect")
    }
    lets = {key: entry for key, entry in values.entries.items() if key not in FILE_KEYS}
    lets |= inner.value.entries if inner and isinstance(inner.value, Mapping) else {}
    merged = merge(tree, Mapping(keys, tree.span, tree.flow))
    entries = {
        key: merged.entries[key]
        for key in (*tree.entries, *keys)
        if key in merged.entries
    }
    if expect := _expected(tree, variant, values):
        entries["expect"] = expect
    if lets:
        entries["let"] = _lets(tree, lets)
    return Mapping(entries, tree.span, tree.flow)


def _variant(tree: Mapping, variant: str) -> Mapping:
    """What a variant says."""
    known = variants_of(tree)
    if variant not in known:
        hint = did_you_mean(variant, known) or (
            f"it has {', '.join(known)}" if known else "it has no variants"
        )
        raise UsageError(f"no variant `{variant}` in {tree.span.source.name}: {hint}")
    chosen = tree.entries["variants"].value
    assert isinstance(chosen, Mapping)
    values = chosen.entries[variant].value
    if not isinstance(values, Mapping):
        message, hint = (
            "a variant is a map of `let` values and keys of the file",
            f"`{variant}: {{}}` changes none",
        )
        raise fault("E022", message, values.span, hint).spec_error()
    return values


def _refused(entry: Entry) -> Diagnostic:
    """The error for a key that a variant cannot set."""
    message = f"a variant cannot set `{entry.key.text}`"
    hint = "let a `let` say what differs, or write a file of its own that `extends` this one"
    return fault("E064", message, entry.key.span, hint).diagnostic


def _lets(tree: Mapping, values: dict[str, Entry]) -> Entry:
    """The file's `let` with a variant's values. Keys stay where they were written; a value's place
    is the variant's."""
    lets = tree.entries.get("let")
    base = lets.value if lets and isinstance(lets.value, Mapping) else None
    known = base.entries if base else {}
    unknown = [entry for key, entry in values.items() if key not in known]
    if unknown or base is None or lets is None:
        raise SpecError(_no_let(entry, known) for entry in unknown)
    return Entry(lets.key, Mapping({**known, **values}, base.span, base.flow))


def _no_let(entry: Entry, lets: Iterable[str]) -> Diagnostic:
    """The error for a name in a variant that is no `let`, with what was meant by it."""
    name, keys = entry.key.text, [key for key in FILE_KEYS if key not in NO_VARIANT]
    settable, listed = [*lets, *keys], ", ".join(f"`{let}`" for let in lets)
    near = sure(name, settable) or File.home_of(name) or did_you_mean(name, settable)
    has = f"the file's `let` has {listed}" if listed else "the file has no `let`"
    hint = near or f"{has}; a variant also sets keys of the file"
    return fault(
        "E064", f"`{name}` is no `let` of this file", entry.key.span, hint
    ).diagnostic


def _expected(tree: Mapping, variant: str, values: Mapping) -> Entry | None:
    """The file's `expect` with what a variant itself expects, which stands under its name."""
    claims, own = tree.entries.get("expect"), values.entries.get("expect")
    if own is None:
        return claims
    below = claims.value.entries if claims and isinstance(claims.value, Mapping) else {}
    if claims and any(not isinstance(claim.value, Mapping) for claim in below.values()):
        return claims  # of no variant, which is the one mistake to tell
    if (
        (known := below.get(variant))
        and isinstance(known.value, Mapping)
        and isinstance(own.value, Mapping)
    ):
        own = Entry(
            own.key,
            Mapping({**known.value.entries, **own.value.entries}, own.key.span, True),
        )
    return Entry(
        (claims or own).key, Mapping({**below, variant: own}, own.key.span, True)
    )
