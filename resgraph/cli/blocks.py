"""`resgraph blocks`: the standard library → a list of its blocks, or the text of one, to read and copy."""

from __future__ import annotations

import click

from ..errors import UsageError
from ..language.library import library_block, library_index, library_text
from ..language.nearest import did_you_mean
from .options import json_option
from .report import print_json


@click.command()
@click.argument("name", required=False, metavar="[BLOCK]")
@json_option
def blocks(name: str | None, as_json: bool) -> None:
    """List the standard blocks, or print one as it is written."""
    index = library_index()
    if name is not None:
        if name not in index:
            hint = did_you_mean(name, index) or "`resgraph blocks` lists them"
            raise UsageError(f"no standard block `{name}`: {hint}")
        click.echo(library_text(name), nl=False)
        return
    abouts = {block: library_block(block).about for block in index}
    if as_json:
        print_json([{"name": block, "file": index[block], "about": about} for block, about in abouts.items()])
        return
    wide = max(map(len, index))
    file = ""
    for block, about in abouts.items():
        if index[block] != file:
            file = index[block]
            click.secho(file.removesuffix(".yaml"), bold=True)
        click.echo(f"  {block:<{wide}}  {about}")
