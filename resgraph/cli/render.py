"""`resgraph render`: specs → a picture of one net, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from ..errors import UsageError
from ..plan import Plan, load
from .options import output_options, set_option, write

_DRAWN = ("svg", "html", "dot")
_LAID_OUT = ("svg", "pdf", "png")  # what Graphviz makes of the same view


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@set_option
@output_options
@click.option("--format", "kind", type=click.Choice([*_DRAWN, "pdf", "png"]), help="if not by the name of the file")
@click.option("--view", type=click.Choice(["auto", "stages", "blocks", "ops"]), default="auto", show_default=True)
@click.option("--theme", type=click.Choice(["light", "dark", "auto"]), default="light", show_default=True)
@click.option("--width", type=click.FloatRange(100, 10_000), help="the least width in pixels")
@click.option("--expand", multiple=True, metavar="NAME", help="draw this row or block op by op (repeatable)")
@click.option("--only", default="", metavar="NAME", help="draw one row, block or path, and nothing else")
@click.option("--engine", type=click.Choice(["own", "dot"]), default="own", show_default=True, help="who lays it out")
def render(
    specs: tuple[str, ...], overrides: tuple[str, ...], allow_outside: bool, output: Path | None, force: bool,
    kind: str | None, engine: Literal["own", "dot"], **look: Any,
) -> None:  # fmt: skip
    """Draw a net, or several side by side, level where their maps are of one size."""
    chosen = kind or (output.suffix.lstrip(".") if output and str(output) != "-" else "svg")
    known = _LAID_OUT if engine == "dot" else _DRAWN
    if chosen not in known:
        hint = "; `--engine dot` makes pdf and png" if chosen in _LAID_OUT else ""
        raise UsageError(f"cannot draw `{chosen}`: the formats are {', '.join(known)}{hint}")
    plans = [load(spec, overrides, allow_outside=allow_outside) for spec in specs]
    write(_picture(plans, chosen, engine, look), output, force=force)


def _picture(plans: Sequence[Plan], kind: str, engine: str, look: dict[str, Any]) -> str | bytes:
    if len(plans) > 1:
        if kind != "svg" or engine != "own":
            raise UsageError("several nets are drawn side by side as SVG")
        from ..outputs.figure import comparison

        return comparison(plans, theme=look["theme"], width=look["width"])
    (plan,) = plans
    if kind == "html":
        from ..outputs.figure import html

        return html(plan, theme=look["theme"])
    if kind == "dot" or engine == "dot":
        from ..outputs.dot import dot, laid_out

        text = dot(plan, view=look["view"], expand=look["expand"], theme=look["theme"])
        return text if kind == "dot" else laid_out(text, kind)
    return plan.svg(**look)
