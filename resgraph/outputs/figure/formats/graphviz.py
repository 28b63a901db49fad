"""A plan → Graphviz' language.

What tames `dot` on residual nets: one group and a high weight along the main path, shortcuts that
leave and enter at the east and weigh nothing, a point where paths part, and never orthogonal
splines. Ids are counted, never user text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..content.builder import PartBuilder, View, check_names, choose
from ..content.heating import HeatScale, warm
from ..content.parts import (
    ENTRY,
    Capsule,
    Chain,
    FigurePart,
    Fork,
    HeatCells,
    Join,
    Link,
    OpBox,
    Strip,
    Tile,
    TileRow,
    told,
)
from ..style import HEAT_STEPS, PALETTES, Theme, heat_of
from ..text import width
from .diagram import DiagramWriter, Ends
from .svg import escape

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat


def dot(
    plan: Plan,
    view: View = "auto",
    expand: Iterable[str] = (),
    theme: Theme = "light",
    paint: Sequence[Heat] = (),
) -> str:
    """The net as a directed graph for `dot`; views, names to unfold and what it is painted with are
    those of the figure."""
    graph = plan.graph
    builder = PartBuilder(graph, choose(view), check_names(graph, expand))
    writer = _Writer(colours=PALETTES[theme])
    net = builder.net(ends=True)
    scale = warm([(net, graph, heat) for heat in paint])
    return writer.document(plan.name, net, scale)


def quoted(text: str) -> str:
    """A string of the language: nothing in it is read as an escape, a newline or markup."""
    text = (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\r", " ")
        .replace("\n", " ")
    )
    return f'"{text}"'


_CONTROLS = dict.fromkeys(range(32), "\ufffd")


def _html(text: str) -> str:
    """Text within an HTML-like label."""
    return escape(text.translate(_CONTROLS))


_SIZE = 10.0
"""The size of text in points. Boxes have room for it in the widest of fonts (`figure.text`),
whichever lays it out."""


@dataclass(slots=True)
class _Writer(DiagramWriter):
    """The statements of Graphviz' language."""

    colours: dict[str, str] = field(kw_only=True)
    CLOSE, CLUSTER = "}", "cluster"

    def document(
        self, name: str, net: Fork, scale: HeatScale | None = None
    ) -> str:
        """The whole graph."""
        c = self.colours
        label = self.legend(name, scale) if scale else quoted(name)
        self.lines += [
            f"digraph {quoted(name)} {{",
            f"  graph [label={label}, labelloc=t, labeljust=l, fontname=Helvetica,"
            " fontsize=18, rankdir=TB, "
            f'nodesep=0.4, ranksep=0.28, bgcolor="{c["surface"]}", fontcolor="{c["ink"]}",'
            " newrank=true];",
            (
                f'  node [fontname=Helvetica, fontsize=10, shape=plain, color="{c["tile-edge"]}",'
                f' fontcolor="{c["ink"]}"];'
            ),
            (
                f'  edge [color="{c["edge"]}", fontname=Helvetica, fontsize=9, arrowsize=0.6,'
                f' fontcolor="{c["muted"]}"];'
            ),
        ]
        self.part(net, 1)
        return "\n".join([*self.lines, "}", ""])

    def legend(self, name: str, scale: HeatScale) -> str:
        """The net's name, and below it what the figure is painted with."""
        low, high = scale.ends
        swatches = "".join(
            f"<td bgcolor='{self.colours[f'heat-{step}']}' width='22'> </td>"
            for step in range(HEAT_STEPS)
        )
        said = " · ".join(
            filter(None, [high, *scale.remarks, scale.heat.note])
        )
        left = f"<b>{_html(scale.heat.name)}</b>  {_html(low)}"
        right = _html(said)
        bar = f"<tr><td>{left}</td>{swatches}<td>{right}</td></tr>"
        return (
            f"<<table border='0' cellspacing='0'><tr><td align='left'>{_html(name)}</td></tr>"
            "<tr><td align='left'><font point-size='10'><table border='0' cellborder='0'"
            f" cellspacing='0'>{bar}</table></font></td></tr></table>>"
        )

    def heat(self, cells: HeatCells) -> str:
        """The cells of a table that hold what a row is painted with."""
        out = ""
        for cell in cells:
            fill, ink = heat_of(cell.step)
            look = f" bgcolor='{self.colours[fill]}'" if fill else ""
            room = f"width='{width(cell.text, _SIZE) + 8:.0f}'"
            text = f"<font color='{self.colours[ink]}'>{_html(cell.text)}</font>"
            span = f"colspan='{2 // len(cells)}'"
            out += f"<td{look} {room} {span}>{text}</td>"
        return out

    def node(self, name: str, part: FigurePart, group: str) -> str:
        title = getattr(part, "title", "") or part.name
        common = f"id={quoted(part.name)}, tooltip={quoted(title)}, group={group}"
        return f"{name} [{self.leaf(part)}, {common}];"

    def leaf(self, part: FigurePart) -> str:
        """The attributes that draw a part without parts."""
        match part:
            case Tile(rows=rows):
                return f"label=<{self.table(rows)}>"
            case Strip(row=row):
                return f"label=<{self.table([row])}>"
            case OpBox():
                return self.op_box(part)
            case Join():
                return self.join(part)
            case Capsule(text=said):
                edge = self.colours["edge"]
                look = f'shape=box, style="rounded", color="{edge}", height=0.3'
                return f"label={quoted(said)}, {look}"
        raise AssertionError(part)

    def op_box(self, box: OpBox) -> str:
        c = self.colours
        family = box.family
        wide = width(f"{box.text} {box.detail}".strip(), _SIZE) + 16
        label = _html(box.text)
        if box.detail:
            label += (
                f" <font color='{c['muted']}'>{_html(box.detail)}</font>"
            )
        if box.heat:
            label = (
                "<table border='0' cellborder='0' cellspacing='2'><tr>"
                f"<td width='{wide:.0f}' align='left'>{label}</td>{self.heat(box.heat)}"
                "</tr></table>"
            )
        return (
            f'label=<{label}>, shape=box, style="rounded,filled",'
            f' fillcolor="{c[family + "-fill"]}", color="{c[family + "-line"]}",'
            f" width={max(2.4, wide / 72):.3g}, height=0.28"
        )

    def join(self, join: Join) -> str:
        c = self.colours
        warm = join.step >= 0
        fill, on = heat_of(join.step) if warm else ("merge-fill", "ink")
        ink = f' fontcolor="{c[on]}",' if warm else ""
        shape = "circle" if len(join.symbol) == 1 else "box"
        return (
            f'label={quoted(join.symbol)}, shape={shape}, style="rounded,filled",'
            f' fillcolor="{c[fill]}", color="{c["merge"]}", width=0.2,'
            f'{ink} height=0.2, margin="0.04,0.02"'
        )

    def table(self, rows: list[TileRow]) -> str:
        """A tile's rows as a table: what at the left, how wide and the stride at the right."""
        cells = "".join(map(self.cells, rows))
        edge = self.colours["tile-edge"]
        return (
            "<table border='1' cellborder='0' cellspacing='2' cellpadding='3' style='rounded'"
            f" color='{edge}'>{cells}</table>"
        )

    def cells(self, row: TileRow) -> str:
        """One row, with room for its text in the widest of fonts."""
        right = " ".join(filter(None, (_html(row.number), row.times)))
        stride = " "
        if row.stride:
            accent = self.colours["accent"]
            stride = f" <font color='{accent}'>{_html(row.stride)}</font>"
        fill = self.colours[f"{row.family}-row"]
        wide, narrow = (
            f"bgcolor='{fill}' width='{width(text, _SIZE) + 8:.0f}'"
            for text in (row.said, f"{row.number} {row.times} {row.stride}")
        )
        return (
            f"<tr><td align='left' {wide}>{_html(row.said)}</td>"
            f"<td align='right' {narrow}>{right}{stride}</td>{self.heat(row.heat)}</tr>"
        )

    def step(self, ends: Ends, chain: Chain, index: int) -> str:
        note = chain.note(index)
        label = f", label={quoted(' ' + note)}" if note else ""
        head = ", arrowhead=none" if chain.tight else ""
        return f"{ends[0]} -> {ends[1]} [weight=20{head}{label}];"

    def side(self) -> str:
        return self.fresh("side")

    def point(self, name: str, group: str) -> str:
        edge = self.colours["edge"]
        return f'{name} [shape=point, width=0.05, label="", color="{edge}", group={group}];'

    def opening(self, fork: Fork, cluster: str) -> list[str]:
        c = self.colours
        return [
            f"subgraph {cluster} {{",
            f'graph [label={quoted(fork.heading)}, labeljust=l, style="rounded,filled",'
            f' fillcolor="{c["card"]}", color="{c["rule"]}", fontsize=10, fontcolor="{c["muted"]}",'
            f" tooltip={quoted(fork.title)}];",
        ]

    def link(
        self, ends: Ends, link: Link, fork: Fork, on_spine: set[int]
    ) -> str:
        out = self.weight(link, fork, on_spine)
        if link.changes:
            accent = self.colours["accent"]
            out += f', style=dotted, color="{accent}", fontcolor="{accent}", penwidth=1.6'
        said = link.pill or link.note, told(link.heat)
        if label := " ".join(filter(None, said)):
            out += f", label={quoted(f' {label} ')}"
        return f"{ends[0]} -> {ends[1]} [{out}];"

    def weight(self, link: Link, fork: Fork, on_spine: set[int]) -> str:
        """How much an edge pulls its ends into one line. What runs along the spine pulls all it
        can; shortcuts, and what passes over rows of a net, pull nothing, and enter a join from the
        east."""
        from_spine = link.source in {ENTRY, *on_spine}
        to_spine = link.target in on_spine
        passes_over = link.shortcut or (
            fork.breaks and link.source != link.target - 1
        )
        if from_spine and to_spine and not passes_over:
            return "weight=20"
        if not to_spine or not isinstance(fork.units[link.target], Join):
            return "weight=0"
        tail = ", tailport=e" if from_spine and not link.pill else ""
        return f"weight=0, headport=e{tail}"
