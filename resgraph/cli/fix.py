"""`resgraph check --fix`: spec files → the same files with every mistake mended that has one certain fix."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import click

from ..errors import Diagnostic, Source, SpecError, UsageError
from ..language.fixes import Edit, fixes, mended
from ..language.reader import open_source
from ..language.resolve import split_reference
from .check import check_nets, unique

_ROUNDS = 100  # one mistake in each; a mistake can hide others


def fix_files(references: Iterable[str], overrides: tuple[str, ...], allow_outside: bool, *, quiet: bool) -> None:
    """Mend the files that specs are read from; files that they extend, and the library, are left alone."""
    for path in dict.fromkeys(split_reference(reference)[0] for reference in references):
        try:
            before, after = fixed(path, overrides, allow_outside)
        except SpecError:  # the file cannot be read, which the check after this will say
            continue
        if before == after:
            continue
        if not quiet:
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="")
            click.echo("\n".join(map(_colored, lines)))
        _replace(path, after)


def fixed(path: Path, overrides: tuple[str, ...] = (), allow_outside: bool = False) -> tuple[str, str]:
    """The text of a file, and what it becomes. The file itself is not touched."""
    source = original = open_source(path)

    def errors_of(text: Source) -> list[Diagnostic]:
        nets = check_nets(str(path), overrides, allow_outside, text)
        return unique(chain.from_iterable(net.problems for net in nets))

    for _ in range(_ROUNDS):
        better = next(_better(source, errors_of), None)
        if better is None:
            break
        source = better
    return original.text, source.text


def _better(source: Source, errors_of: Callable[[Source], list[Diagnostic]]) -> Iterator[Source]:
    """Texts with one mistake less."""
    errors = errors_of(source)
    for error in errors:
        if error.span is None or error.span.source.name != source.name:
            continue
        for edit in fixes(error):
            candidate = Source(source.name, mended(source, [edit]))
            if _mends(error, edit, errors, errors_of(candidate)):
                yield candidate


def _mends(error: Diagnostic, edit: Edit, before: list[Diagnostic], after: list[Diagnostic]) -> bool:
    """Whether an edit takes its mistake away, and uncovers none on its line that takes a person to mend."""
    known = {(d.code, d.message) for d in before} - {(error.code, error.message)}
    here = [d for d in after if d.span and d.span.line == edit.span.line]
    return all(
        (d.code, d.message) in known or ((d.code, d.message) != (error.code, error.message) and bool(fixes(d)))
        for d in here
    )


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
            file.write(text)
        Path(file.name).chmod(path.stat().st_mode)
        Path(file.name).replace(path)
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror}") from None


def _colored(line: str) -> str:
    color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=color) if color else line
