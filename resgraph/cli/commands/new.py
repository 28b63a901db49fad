"""`resgraph new`: a name → a starter spec, whole and ready to be changed."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from ..options import WRITTEN, force_option, write

SCHEMA = "resgraph.schema.json"
_KINDS = ("digits", "cifar", "imagenet", "vector")


@click.command()
@click.argument("file", **WRITTEN, metavar="FILE.yaml")
@click.option(
    "--like",
    "kind",
    type=click.Choice(_KINDS),
    default="digits",
    show_default=True,
    help="what it is for",
)
@force_option
def new(file: Path, kind: str, force: bool) -> None:
    """Write a spec to begin with: it checks, and it trains."""
    text = (
        resources.files("resgraph")
        / "library"
        / "starters"
        / f"{kind}.yaml"
    ).read_text(encoding="utf-8")
    # Editors with yaml-language-server complete and check by the schema that the first line names.
    text = f"# yaml-language-server: $schema={SCHEMA}\n" + text.replace(
        "NAME", file.stem.replace("_", "-")
    )
    write(text, file, force=force)
    click.echo(
        f"next: resgraph check {file}; resgraph show {file}; resgraph build {file}",
        err=True,
    )
    schema = file.parent / SCHEMA
    if not schema.exists():
        click.echo(f"for editors: resgraph schema -o {schema}", err=True)
