"""`resgraph fmt`: spec files → the same specs in one style, in place."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from ...errors import Diagnostic, SpecError, UsageError
from ...language.format import Form, reformat
from ...language.references import own_file
from ...language.yaml.reader import open_source
from ..options import replace_file


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE...",
)
@click.option("--long", is_flag=True, help="labels become mappings")
@click.option("--short", is_flag=True, help="mappings become labels")
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="write nothing; exit 1 if a file would change",
)
@click.option(
    "--diff",
    "show_diff",
    is_flag=True,
    help="write nothing; print what would change",
)
def fmt(
    files: tuple[Path, ...],
    long: bool,
    short: bool,
    only_check: bool,
    show_diff: bool,
) -> int:
    """Put specs in one style. Comments and blank lines are kept."""
    if long and short:
        raise UsageError("--long and --short: say one of them")
    form: Form = "long" if long else "short" if short else "keep"
    changed = False
    wrong: list[Diagnostic] = []
    for path in files:
        try:
            source = open_source(own_file(path))
            text = reformat(source, form)
        # the others are formatted first
        except SpecError as problem:
            wrong += problem.diagnostics
            continue
        if text == source.text:
            continue
        changed = True
        if show_diff:
            _print_diff(path, source.text, text)
        elif only_check:
            click.echo(f"would reformat {path}", err=True)
        else:
            replace_file(path, text)
            click.echo(f"reformatted {path}", err=True)
    if wrong:
        raise SpecError(wrong)
    return int(changed and only_check)


def _print_diff(path: Path, before: str, after: str) -> None:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        str(path),
        str(path),
    )
    click.echo("".join(lines), nl=False)
