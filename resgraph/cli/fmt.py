"""`resgraph fmt`: spec files → the same specs in one style, in place."""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path

import click

from ..errors import UsageError
from ..language.format import Form, reformat
from ..language.reader import open_source


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--long", "form", flag_value="long", help="labels become mappings")
@click.option("--short", "form", flag_value="short", help="mappings become labels")
@click.option("--check", "only_check", is_flag=True, help="write nothing; exit 1 if a file would change")
@click.option("--diff", "show_diff", is_flag=True, help="write nothing; print what would change")
def fmt(files: tuple[Path, ...], form: Form | None, only_check: bool, show_diff: bool) -> int:
    """Put specs in one style. Comments and blank lines are kept."""
    changed = 0
    for path in files:
        source = open_source(path)
        text = reformat(source, form or "keep")
        if text == source.text:
            continue
        changed += 1
        if show_diff:
            before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
            click.echo("".join(difflib.unified_diff(before, after, str(path), str(path))), nl=False)
        elif only_check:
            click.echo(f"would reformat {path}", err=True)
        else:
            _replace(path, text)
            click.echo(f"reformatted {path}", err=True)
    return 1 if changed and only_check else 0


def _replace(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror}") from None
