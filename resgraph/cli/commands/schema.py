"""`resgraph schema`: nothing → the JSON Schema of specs, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ...outputs.json_schema import json_schema
from ..options import output_options, write


@click.command()
@output_options
def schema(output: Path | None, force: bool) -> None:
    """Print the JSON Schema of specs, for editors.

    A spec whose first line is `# yaml-language-server: $schema=resgraph.schema.json` is completed
    and checked as it is typed, in every editor that has yaml-language-server."""
    write(
        json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        output,
        force=force,
    )
