"""A spec's file → one tree with what it `extends` merged in; values keep the places they came
from."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from ..errors import Diagnostic, Source, Span, SpecError, UsageError, fault
from .diagnose.nearest import did_you_mean
from .overlay import merge
from .references import locate, near, zoo_folder
from .variants import apply_variant, variants_of
from .yaml.reader import open_source, read
from .yaml.tree import Mapping, Scalar

_CHAIN = 8  # files in a chain of `extends`


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
    return apply_variant(tree, variant).without("variants")
