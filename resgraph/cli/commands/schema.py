"""`resgraph schema`: nothing → the JSON Schema of specs, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ...outputs.json_schema import json_schema
from ..options import output_options, write


@click.command()
@output_options
@click.option(
    "--study", "of_study", is_flag=True, help="of studies, not of specs"
)
def schema(output: Path | None, force: bool, of_study: bool) -> None:
    """Print the JSON Schema of specs, or of studies, for editors.

    A spec whose first line is `# yaml-language-server: $schema=resgraph.schema.json` is completed
    and checked as it is typed, in every editor that has yaml-language-server."""
    if of_study:
        from ...study.json_schema import study_schema as made
    else:
        made = json_schema
    write(
        json.dumps(made(), indent=2, ensure_ascii=False) + "\n",
        output,
        force=force,
    )
