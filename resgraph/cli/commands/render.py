"""`resgraph render`: specs → a picture of one net, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from ...collecting import at_keys, flatten
from ...errors import SpecError, UsageError
from ...language.spec import Spec, load_spec
from ...outputs.figure.content.builder import VIEWS
from ...outputs.figure.render import (
    LETTERINGS,
    RenderOptions,
    check_format,
    check_use,
    unfinished,
)
from ...outputs.figure.render import render as draw
from ...outputs.figure.style import THEMES
from ...outputs.heat import STATIC
from ...outputs.registry import OUTPUTS, named
from ...passes.expand import expand
from ...plan import Plan
from ..loading import family_of, load_plans
from ..options import (
    Finite,
    Multiple,
    is_file,
    output_options,
    set_option,
    specs_argument,
    write,
)
from ..painting import MEASURED, heats


@click.command()
@specs_argument
@set_option
@output_options
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(named("render"))),
    help="if not by the name of the file",
)
@click.option(
    "--view",
    type=click.Choice(VIEWS),
    default="auto",
    show_default=True,
    help="stages (auto): equal blocks in a row once, with × N; blocks: each block; ops: each op",
)
@click.option(
    "--theme",
    type=click.Choice(THEMES),
    default="light",
    show_default=True,
)
@click.option(
    "--width", type=Finite(100, 10_000), help="the least width in pixels"
)
@click.option(
    "--paper",
    default="",
    metavar="LENGTH",
    help="the width in print, as 88mm, 3.5in or 252pt (png: at 300 dots to the inch); says so"
    " where its text is too small to read there",
)
@click.option(
    "--text",
    type=click.Choice(LETTERINGS),
    default="letters",
    show_default=True,
    help="paths: letters as outlines, so that no font is needed anywhere",
)
@click.option(
    "--font",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="a font for letters that the packaged one lacks: in png, pdf, and --text paths",
)
@click.option(
    "--transparent", is_flag=True, help="leave the background out"
)
@click.option(
    "--family", is_flag=True, help="of a file, every variant side by side"
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
    "--paint",
    multiple=True,
    metavar="WHAT",
    help="colour each node by a number: "
    + ", ".join([*STATIC, *MEASURED])
    + ", FILE.csv (a line a node), RUN:gradient",
)
@click.option(
    "--scale",
    type=Finite(0.1, 10),
    help="multiply the size of the picture; of png: 2 if nothing is said",
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
    specs: Multiple, overrides: Multiple, allow_outside: bool, output: Path | None,
    force: bool, kind: str | None, engine: Literal["own", "dot"], partial: bool, family: bool,
    paint: Multiple, **look: Any,
) -> None:  # fmt: skip
    """Draw a net, or several side by side, level where their maps are of one size."""
    chosen = kind or (
        output.suffix.lstrip(".") if is_file(output) else "svg"
    )
    if family:
        specs = tuple(
            flatten(
                family_of(spec, allow_outside=allow_outside)
                for spec in specs
            )
        )
    try:
        plans = load_plans(specs, overrides, allow_outside=allow_outside)
    except SpecError as problem:
        if partial and len(specs) == 1 and chosen == "svg":
            spec = load_spec(
                specs[0], overrides, allow_outside=allow_outside
            )
            if picture := _unfinished(spec, problem, look):
                write(picture, output, force=force)
        raise
    # what is painted may have to be measured: that comes last
    look["paint"] = paint
    check, drawn = (
        (_check_graphviz, _by_graphviz)
        if engine == "dot"
        else (check_format, _by_own)
    )
    check(chosen, len(plans), RenderOptions(**look))
    look["paint"] = heats(plans, paint)
    write(drawn(plans, chosen, look), output, force=force)


def _unfinished(
    spec: Spec, problem: SpecError, look: dict[str, Any]
) -> str:
    first, made = problem.diagnostics[0], expand(spec)
    return unfinished(made, first, look["view"], look["theme"])


def _by_own(
    plans: Sequence[Plan], kind: str, look: dict[str, Any]
) -> str | bytes:
    """Our layout of one net, or of several."""
    return draw(plans, kind, RenderOptions(**look), _say)


def _say(said: str) -> None:
    """A remark, which is no error."""
    click.echo(f"note: {said}", err=True)


def _check_graphviz(kind: str, count: int, options: RenderOptions) -> None:
    """Raises `UsageError` as `check_format` does, of Graphviz' layout."""
    if count > 1:
        raise UsageError(
            "`--engine dot` lays out one net; several are drawn side by side without it"
        )
    from ...outputs.figure.formats.graphviz_engine import LAID_OUT

    if kind not in LAID_OUT:
        raise UsageError(
            f"`--engine dot` makes {', '.join(LAID_OUT)}, not `{kind}`"
        )
    used = [*OUTPUTS["dot"].options, *_of_raster(kind)]
    check_use(options, "--engine dot", used)


def _by_graphviz(
    plans: Sequence[Plan], kind: str, look: dict[str, Any]
) -> str | bytes:
    """Graphviz' layout of one net."""
    from ...outputs.figure.formats.graphviz_engine import laid_out

    ours, theirs = OUTPUTS["dot"].options, _of_raster(kind)
    text = plans[0].dot(**at_keys(look, ours))
    return laid_out(
        text, kind, **{name: look[name] for name in theirs if look[name]}
    )


def _of_raster(kind: str) -> Sequence[str]:
    """The options of what an SVG of Graphviz is made into."""
    return () if kind == "svg" else OUTPUTS[kind].options
