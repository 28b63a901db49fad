"""`resgraph fmt`: spec files → the same specs in one style, in place."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

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
@click.option(
    "--long", "form", flag_value="long", help="labels become mappings"
)
@click.option(
    "--short", "form", flag_value="short", help="mappings become labels"
)
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
    form: Form | None,
    only_check: bool,
    show_diff: bool,
) -> int:
    """Put specs in one style. Comments and blank lines are kept."""
    changed = False
    for path in files:
        source = open_source(own_file(path))
        text = reformat(source, form or "keep")
        if text == source.text:
            continue
        changed = True
        if show_diff:
            before = source.text.splitlines(keepends=True)
            after = text.splitlines(keepends=True)
            click.echo(
                "".join(
                    difflib.unified_diff(
                        before, after, str(path), str(path)
                    )
                ),
                nl=False,
            )
        elif only_check:
            click.echo(f"would reformat {path}", err=True)
        else:
            replace_file(path, text)
            click.echo(f"reformatted {path}", err=True)
    return int(changed and only_check)
