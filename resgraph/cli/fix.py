"""`resgraph check --fix`: spec files → the same files with every mistake mended that has one
certain fix."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import click

from ..errors import SpecError
from ..language.yaml.reader import open_source
from ..mending import checker, mend
from .options import replace_file
from .report import colored


def fix_files(
    files: Mapping[Path, tuple[str, ...]],
    allow_outside: bool,
    *,
    quiet: bool,
) -> None:
    """Mend files, each with what `--set` says of it; files that they extend, and the library, are
    left alone."""
    for path, overrides in files.items():
        try:
            before, after = fixed(path, overrides, allow_outside)
        # the file cannot be read, which the check after this will say
        except SpecError:
            continue
        if before == after:
            continue
        if not quiet:
            lines = difflib.unified_diff(
                before.splitlines(),
                after.splitlines(),
                str(path),
                str(path),
                lineterm="",
            )
            click.echo("\n".join(map(_colored, lines)), color=colored())
        replace_file(path, after)


def fixed(
    path: Path, overrides: tuple[str, ...] = (), allow_outside: bool = False
) -> tuple[str, str]:
    """The text of a file, and what it becomes. The file itself is not touched."""
    source = open_source(path)
    return source.text, mend(
        source, checker(path, overrides, allow_outside)
    ).text


def _colored(line: str) -> str:
    color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=color) if color else line
