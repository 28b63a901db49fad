"""`resgraph check --fix`: spec files → the same files with every mistake mended that has one certain fix."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from ..checked import check_nets
from ..errors import Diagnostic, Source, SpecError, in_order
from ..language.fixes import Edit, fixes, mended
from ..language.reader import open_source
from ..language.references import locate
from .options import replace_file
from .report import colored

_ROUNDS = 100  # one mistake in each; a mistake can hide others


def fix_files(references: Iterable[str], overrides: tuple[str, ...], allow_outside: bool, *, quiet: bool) -> None:
    """Mend the files that specs are read from; files that they extend, the zoo and the library are left alone."""
    found = [locate(reference) for reference in references]
    for path in dict.fromkeys(one.path for one in found if not one.zoo):
        try:
            before, after = fixed(path, overrides, allow_outside)
        except SpecError:  # the file cannot be read, which the check after this will say
            continue
        if before == after:
            continue
        if not quiet:
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="")
            click.echo("\n".join(map(_colored, lines)), color=colored())
        replace_file(path, after)


def fixed(path: Path, overrides: tuple[str, ...] = (), allow_outside: bool = False) -> tuple[str, str]:
    """The text of a file, and what it becomes. The file itself is not touched."""
    source = original = open_source(path)

    def errors_of(text: Source) -> list[Diagnostic]:
        nets = check_nets(str(path), overrides, allow_outside, text)
        return in_order(d for net in nets for d in net.problems)

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


def _colored(line: str) -> str:
    color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=color) if color else line
