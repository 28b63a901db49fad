"""Plan → the net as a table for a terminal, in the style of the ResNet paper's Table 1."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...collecting import flatten
from ...ops import Shape
from ...passes.summary import Group, Row, summarize
from ...plan import Plan
from ..numbers import count_text, shape_label


def table(plan: Plan, *, width: int = 100, color: bool = False) -> str:
    """The table as text, in the short form where it does not fit `width` columns; with `color`,
    terminal escapes.

    Nothing is cut: a net with long labels makes long lines.
    """
    stream = StringIO()
    console = Console(
        file=stream,
        width=10_000,
        force_terminal=color,
        no_color=not color,
        highlight=False,
    )
    whole = rich_table(plan)
    fits = console.measure(whole).maximum <= width
    console.print(whole if fits else rich_table(plan, short=True))
    return (
        "\n".join(
            line.rstrip() for line in stream.getvalue().splitlines()
        ).strip("\n")
        + "\n"
    )


def rich_table(plan: Plan, *, short: bool = False) -> Table:
    """The table for a rich console; `short` takes the spaces out of shapes and rounds the
    totals."""
    out = Table(
        box=SIMPLE_HEAD, pad_edge=False, show_footer=True, show_edge=False
    )
    shape: Callable[[Shape], str] = (
        (lambda s: shape_label(s).replace(" ", ""))
        if short
        else shape_label
    )
    total: Callable[[int], str] = count_text if short else "{:,}".format
    out.add_column(
        "" if short else plan_title(plan),
        footer=Text("total", style="bold"),
        style="bold",
        no_wrap=True,
    )
    several = (
        f"{len(plan.outputs)} outputs" if len(plan.outputs) > 1 else ""
    )
    out.add_column(
        "output", no_wrap=True, footer=several or shape(plan.output)
    )
    out.add_column("layers", footer=f"depth {plan.depth}", no_wrap=True)
    out.add_column(
        "params", justify="right", no_wrap=True, footer=total(plan.params)
    )
    out.add_column(
        "MACs", justify="right", no_wrap=True, footer=total(plan.macs)
    )
    for name, size in plan.inputs.items():
        out.add_row(Text(name), shape(size), "", "", "")
    for row in summarize(plan.graph):
        shapes = "\n".join(map(shape, row.shapes))
        out.add_row(Text(row.name), shapes, _layers(row), *_costs(row))
    return out


def plan_title(plan: Plan) -> Text:
    """The net's name, which user text never turns into markup."""
    return Text(plan.name)


def _costs(row: Row) -> tuple[str, str]:
    return count_text(row.cost.params), count_text(row.cost.macs)


def _layers(row: Row) -> Text:
    lines = [*flatten(map(_group_lines, row.groups))]
    return Text("\n".join(lines))


def _group_lines(group: Group) -> list[str]:
    """A layer as it is; a block in brackets, its repeats behind the middle line."""
    times = f" × {group.count}" if group.count > 1 else ""
    if not group.block and len(group.lines) == 1:
        return [group.lines[0] + times]
    wide = max(map(len, group.lines), default=0)
    middle = (len(group.lines) - 1) // 2
    times = f" × {group.count}"
    return [
        f"{left} {line:<{wide}} {right}{times if place == middle else ''}"
        for place, line in enumerate(group.lines)
        for left, right in [_brackets(place, len(group.lines))]
    ]


def _brackets(place: int, lines: int) -> tuple[str, str]:
    if lines == 1:
        return "[", "]"
    if place == 0:
        return "┌", "┐"
    return ("└", "┘") if place == lines - 1 else ("│", "│")
