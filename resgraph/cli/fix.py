"""`resgraph check --fix`: spec files → the same files with every mistake mended that has one certain fix."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ..errors import Diagnostic, Source, SpecError
from ..language.reader import open_source
from ..mending import Check, checker, mended, verified
from .options import replace_file
from .report import colored

_ROUNDS = 100  # a mistake can hide others, and only so many are tried at once


def fix_files(files: Mapping[Path, tuple[str, ...]], allow_outside: bool, *, quiet: bool) -> None:
    """Mend files, each with what `--set` says of it; files that they extend, and the library, are left alone."""
    for path, overrides in files.items():
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
    check = checker(path, overrides, allow_outside)
    for _ in range(_ROUNDS):
        found = verified(check(source), source, check)
        if not (better := _better(source, found, check)):
            break
        source = better
    return original.text, source.text


def _better(source: Source, found: Sequence[Diagnostic], check: Check) -> Source | None:
    """The text with all that can be mended, if that leaves fewer mistakes; else with the first of it."""
    mending = [d.edits for d in found if d.edits]
    if not mending:
        return None
    whole = Source(source.name, mended(source, (edit for edits in mending for edit in edits)))
    if len(mending) > 1 and len(check(whole)) <= len(found) - len(mending):
        return whole
    return Source(source.name, mended(source, mending[0]))


def _colored(line: str) -> str:
    color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=color) if color else line
