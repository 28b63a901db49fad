"""`resgraph render`: a spec → a picture of it."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError
from ..plan import load
from .options import output_options, set_option, spec_argument, write

_FORMATS = ("svg", "dot")


@click.command()
@spec_argument
@set_option
@output_options
@click.option("--format", "kind", type=click.Choice(_FORMATS), help="the format, if not by the name of the file")
@click.option("--view", type=click.Choice(["auto", "stages", "blocks", "ops"]), default="auto", show_default=True)
@click.option("--theme", type=click.Choice(["light", "dark", "auto"]), default="light", show_default=True)
@click.option("--width", type=float, help="the least width in pixels")
@click.option("--expand", multiple=True, metavar="NAME", help="draw this row or block op by op (repeatable)")
def render(
    spec: str, overrides: tuple[str, ...], allow_outside: bool, output: Path | None, force: bool,
    kind: str | None, view: str, theme: str, width: float | None, expand: tuple[str, ...],
) -> None:  # fmt: skip
    """Draw a net."""
    chosen = kind or (output.suffix.lstrip(".") if output else "svg")
    if chosen not in _FORMATS:
        raise UsageError(f"cannot write `{output}`: the formats are {', '.join(_FORMATS)}")
    plan = load(spec, overrides, allow_outside=allow_outside)
    if chosen == "dot":
        write(plan.dot(view=view), output, force=force)
    else:
        write(plan.svg(view=view, theme=theme, width=width, expand=expand), output, force=force)
