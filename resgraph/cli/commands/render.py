"""`resgraph render`: specs → a picture of one net, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from ...errors import SpecError, UsageError
from ...language.spec import load_spec
from ...outputs.figure import unfinished
from ...outputs.figure.render import FORMATS, Look, check_use
from ...outputs.figure.render import render as draw
from ...plan import Plan
from ..loading import load_plans
from ..options import output_options, set_option, specs_argument, write

_LAID_OUT = ("svg", "pdf", "png")  # what Graphviz makes of its own text


@click.command()
@specs_argument
@set_option
@output_options
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="if not by the name of the file",
)
@click.option(
    "--view",
    type=click.Choice(["auto", "stages", "blocks", "ops"]),
    default="auto",
    show_default=True,
    help="stages (auto): equal blocks in a row once, with × N; blocks: each block; ops: each op",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "auto"]),
    default="light",
    show_default=True,
)
@click.option(
    "--width", type=click.FloatRange(100, 10_000), help="the least width in pixels"
)
@click.option(
    "--expand",
    multiple=True,
    metavar="NAME",
    help="draw this row or block op by op (repeatable)",
)
@click.option(
    "--only",
    default="",
    metavar="NAME",
    help="draw one row, block or path, and nothing else",
)
@click.option(
    "--scale",
    type=click.FloatRange(0.1, 10),
    default=2.0,
    show_default=True,
    help="of png",
)
@click.option(
    "--partial",
    is_flag=True,
    help="of a wrong spec, draw what holds together, and in red where it stops",
)
@click.option(
    "--engine",
    type=click.Choice(["own", "dot"]),
    default="own",
    show_default=True,
    help="who lays it out",
)
def render(
    specs: tuple[str, ...], overrides: tuple[str, ...], allow_outside: bool, output: Path | None,
    force: bool, kind: str | None, engine: Literal["own", "dot"], partial: bool, **look: Any,
) -> None:  # fmt: skip
    """Draw a net, or several side by side, level where their maps are of one size."""
    chosen = kind or (
        output.suffix.lstrip(".") if output and str(output) != "-" else "svg"
    )
    try:
        plans = load_plans(specs, overrides, allow_outside=allow_outside)
    except SpecError as problem:
        if partial and len(specs) == 1 and chosen == "svg":
            spec = load_spec(specs[0], overrides, allow_outside=allow_outside)
            if picture := unfinished(spec, problem, look["view"], look["theme"]):
                write(picture, output, force=force)
        raise
    write(
        _by_graphviz(plans, chosen, look)
        if engine == "dot"
        else draw(plans, chosen, Look(**look)),
        output,
        force=force,
    )


def _by_graphviz(plans: Sequence[Plan], kind: str, look: dict[str, Any]) -> str | bytes:
    """Graphviz' layout of one net."""
    if len(plans) > 1:
        raise UsageError(
            "`--engine dot` lays out one net; several are drawn side by side without it"
        )
    if kind not in _LAID_OUT:
        raise UsageError(f"`--engine dot` makes {', '.join(_LAID_OUT)}, not `{kind}`")
    from ...outputs.figure.formats.graphviz import dot, laid_out

    check_use(
        Look(**look), "--engine dot", "view theme expand" + " scale" * (kind == "png")
    )
    text = dot(plans[0], view=look["view"], expand=look["expand"], theme=look["theme"])
    return laid_out(text, kind, plans[0].name, look["scale"])
