"""A spec's file → one tree with what it `extends` merged in; values keep the places they came
from."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from ..errors import (
    NOWHERE,
    Diagnostic,
    Source,
    Span,
    SpecError,
    UsageError,
    fault,
)
from .diagnose.nearest import did_you_mean
from .overlay import merge
from .references import locate, near, zoo_folder
from .variants import apply_variant, variants_of
from .yaml.reader import open_source, read
from .yaml.tree import Mapping

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
    return read_source(source, path, allow_outside=allow_outside)


def read_source(
    source: Source, path: Path, *, allow_outside: bool = False
) -> tuple[Mapping, list[Diagnostic]]:
    """As `read_file`, of a text that is to stand in a file: an editor's buffer, or a mended
    copy."""
    return _Chain(path.resolve().parent, allow_outside).read(
        source, path, NOWHERE
    )


def read_text(source: Source) -> tuple[Mapping, list[Diagnostic]]:
    """As `read_file`, of a text that is not a file; it cannot extend one."""
    tree, errors = read_whole(source)
    if extends := tree.entries.get("extends"):
        errors.append(
            fault(
                "E060",
                "a text that is no file cannot extend one",
                extends.key.span,
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
        self.directory = directory
        self.allow_outside = allow_outside
        self.open: list[tuple[tuple[int, int], Span, str]] = []

    def read(
        self, source: Source, path: Path, asked: Span
    ) -> tuple[Mapping, list[Diagnostic]]:
        # an editor's buffer may have no file yet
        status = path.stat() if path.exists() else None
        identity = (status.st_dev, status.st_ino) if status else (0, 0)
        if identity in [known for known, _, _ in self.open]:
            names = " → ".join(
                [name for _, _, name in self.open] + [source.name]
            )
            said, note = "this file extends itself", f"the chain is {names}"
            raise fault("E061", said, asked, "", note).spec_error()
        if len(self.open) >= _CHAIN:
            said = f"a chain of more than {_CHAIN} files"
            raise fault("E004", said, asked).spec_error()
        self.open.append((identity, asked, source.name))
        tree, errors = read_whole(source)
        if "extends" in tree.entries:
            tree, more = self.extend(tree, path)
            errors = more + errors
        self.open.pop()
        return tree, errors

    def extend(
        self, tree: Mapping, path: Path
    ) -> tuple[Mapping, list[Diagnostic]]:
        entry = tree.entries["extends"].value
        asked = entry.span
        if not isinstance(entry.value, str):
            raise fault(
                "E060", "`extends` names one file", asked
            ).spec_error()
        try:
            found = locate(entry.value, path.parent)
        except UsageError as unclear:
            raise fault("E060", str(unclear), asked).spec_error() from None
        if not found.zoo:
            name = entry.value.removesuffix(f"::{found.variant}")
            self._admit(found.path, name, path, asked)
        below, errors = self.read(
            _opened(found.path, asked), found.path, asked
        )
        if found.variant is not None:
            below = _one_variant(below, found.variant, asked)
        return merge(below, tree), errors

    def _admit(
        self, base: Path, name: str, path: Path, asked: Span
    ) -> None:
        """Refuse a file that is outside the directory of the spec (the zoo's extend one another),
        or not there."""
        directory = (
            zoo_folder() if path.parent == zoo_folder() else self.directory
        )
        try:
            outside = not base.resolve().is_relative_to(directory)
            there = base.exists()
        except (OSError, ValueError, RuntimeError):
            # a name too long, a link to itself
            outside = there = False
        if not self.allow_outside and outside:
            said = f"`{name}` is outside the directory of the spec"
            help_ = "move it there, or give `--allow-outside`"
            raise fault("E062", said, asked, help_).spec_error()
        if not there:
            said = f"there is no file `{name}` to extend"
            hint = replace(near(base), span=_within(asked, name))
            raise fault("E060", said, asked, hint).spec_error()


def _opened(path: Path, asked: Span) -> Source:
    """The text of a file; what cannot be read is said where it is asked for."""
    try:
        return open_source(path)
    except SpecError as problem:
        raise SpecError(
            [replace(d, span=d.span or asked) for d in problem.diagnostics]
        ) from None


def _within(asked: Span, part: str) -> Span:
    """Where a part of what is extended is written: its file, or its variant."""
    start = max(0, asked.written().rfind(part))
    return asked.part(start, start + len(part))


def _one_variant(tree: Mapping, variant: str, asked: Span) -> Mapping:
    """A file as one of its variants has it, and no longer with variants of its own."""
    if variant not in variants_of(tree):
        likely = did_you_mean(variant, variants_of(tree))
        hint = replace(likely, span=_within(asked, variant))
        said = f"no variant `{variant}` to extend"
        raise fault("E064", said, asked, hint).spec_error()
    return apply_variant(tree, variant).without("variants")
