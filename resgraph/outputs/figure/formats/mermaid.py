"""A plan → Mermaid's flowchart language, for pages that draw it themselves: READMEs, wikis,
issues."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..content.builder import PartBuilder, View, check_names, choose
from ..content.heating import HeatScale, warm
from ..content.parts import (
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
from ..style import HEAT_STEPS, HUES, PALETTES, Theme, mix
from . import limits
from .diagram import DiagramWriter, Ends

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat


def _look(colours: dict[str, str]) -> str:
    """Clusters and labels are as light as the figure's cards, and titles stand clear of the edges
    that enter below."""
    ink = dict.fromkeys(
        ("textColor", "titleColor", "nodeTextColor"), colours["ink"]
    )
    variables = {
        "clusterBkg": colours["card"],
        "clusterBorder": colours["tile-edge"],
        "edgeLabelBackground": colours["card"],
        "lineColor": colours["edge"],
        **ink,
    }
    margin = {"subGraphTitleMargin": {"top": 4, "bottom": 18}}
    said = {
        "theme": "base",
        "themeVariables": variables,
        "flowchart": margin,
    }
    return f"%%{{init: {json.dumps(said)}}}%%"


_ENTITIES = str.maketrans({
    **dict.fromkeys(map(chr, range(32)), " "),
    "#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;", "&": "#amp;",
    "%": "#37;", "$": "#36;",
})  # fmt: skip
"""What Mermaid would read in a label: entities, markup, and also directives (`%%{`) and formulas
(`$$`). Control characters are spaces."""


def mermaid(
    plan: Plan,
    view: View = "auto",
    expand: Iterable[str] = (),
    theme: Theme = "light",
    paint: Sequence[Heat] = (),
) -> str:
    """The net as a flowchart; views, names to unfold and what it is painted with are those of the
    figure. A painted node has one colour, of a range that of its upper end.

    Raises `UsageError` where it has more edges or text than Mermaid draws.
    """
    graph = plan.graph
    writer = _Writer()
    colours = PALETTES[theme]
    net = PartBuilder(graph, choose(view), check_names(graph, expand)).net(
        ends=True
    )
    scale = warm([(net, graph, heat) for heat in paint])
    writer.part(net, 1)
    writer.legend(scale)
    head = [
        "---",
        f"title: {titled(plan.name)}",
        "---",
        _look(colours),
        "flowchart TB",
    ]
    text = "\n".join([*head, *writer.lines, *writer.styles(colours), ""])
    limits.mermaid(writer.edges, len(text))
    return text


def quoted(text: str) -> str:
    """A string of the language: what is special to it becomes an entity."""
    return f'"{text.translate(_ENTITIES)}"'


def _lines(texts: Iterable[str]) -> str:
    """Texts one below another, as a string holds them."""
    return "<br>".join(text.translate(_ENTITIES) for text in texts)


def titled(text: str) -> str:
    """A title: YAML, in which Mermaid shows no entity and takes `<` for a tag, so that a sign like
    it stands there."""
    return json.dumps(text.replace("<", "\uff1c"), ensure_ascii=False)


@dataclass(slots=True)
class _Writer(DiagramWriter):
    """The statements of Mermaid's language. `families` are those that occur; `dotted` are the
    numbers of the dotted edges, which are coloured by them at the end."""

    families: set[str] = field(default_factory=set)
    steps: set[int] = field(default_factory=set)
    ranges: bool = False
    dotted: list[int] = field(default_factory=list)
    edges: int = 0
    CLOSE, CLUSTER = "end", "s"

    def part(
        self, part: FigurePart, depth: int, group: str = "spine"
    ) -> Ends:
        """As of any diagram; the rows of a painted tile are nodes of their own, as each has a
        colour."""
        if isinstance(part, Tile) and any(row.heat for row in part.rows):
            part = Chain(
                part.name, [Strip(row.name, row) for row in part.rows]
            )
        return super(_Writer, self).part(part, depth, group)

    def node(self, name: str, part: FigurePart, group: str) -> str:
        before, lines, after, family = _leaf(part)
        text = _lines(lines)
        cells = _heat_of(part)
        # a join has room for its sign alone
        if cells and not isinstance(part, Join):
            text += _lines([" · " + _words(cells)])
        return f'{name}{before}"{text}"{after}:::{self.kind(family, cells)}'

    def kind(self, family: str, cells: HeatCells) -> str:
        """The class of a node: a step of heat, or else its family."""
        step = cells[-1].step if cells else -1
        self.ranges |= len(cells) > 1
        if step < 0:
            self.families.add(family)
            return family
        self.steps.add(step)
        return f"heat-{step}"

    def legend(self, scale: HeatScale | None) -> None:
        """Both ends of what it is painted with, beside the net."""
        if scale is None:
            return
        self.emit(
            1,
            f"subgraph {self.fresh(self.CLUSTER)}[{quoted(scale.heat.name)}]",
        )
        for step, end in zip((0, HEAT_STEPS - 1), scale.ends, strict=True):
            self.steps.add(step)
            self.emit(2, f"{self.fresh()}[{quoted(end)}]:::heat-{step}")
        upper = (
            ["of a range, the colour of its upper end"]
            if self.ranges
            else []
        )
        remarks = [*scale.remarks, *upper, *filter(None, [scale.heat.note])]
        if remarks:
            self.families.add("input")
            self.emit(2, f'{self.fresh()}["{_lines(remarks)}"]:::input')
        self.emit(1, self.CLOSE)

    def styles(self, colours: dict[str, str]) -> list[str]:
        """The classes of the nodes, and the colour of the dotted edges."""
        classes = [
            f"  classDef {family} fill:{mix(colours[family], colours['tile'], 0.15)},"
            f"stroke:{colours[family]},color:{colours['ink']}"
            for family in HUES
            if family in self.families
        ]
        heats = [
            f"  classDef heat-{step} fill:{colours[f'heat-{step}']},"
            f"stroke:{colours['tile-edge']},color:{colours[f'on-heat-{step}']}"
            for step in sorted(self.steps)
        ]
        dotted = ",".join(map(str, self.dotted))
        links = (
            [f"  linkStyle {dotted} stroke:{colours['accent']}"]
            if dotted
            else []
        )
        return classes + heats + links

    def point(self, name: str, group: str) -> str:
        self.families.add("input")
        return f'{name}(("&nbsp;")):::input'

    def opening(self, fork: Fork, cluster: str) -> list[str]:
        return [f"subgraph {cluster}[{quoted(fork.heading)}]"]

    def entrance(self, cluster: str, first: str) -> str:
        """At its border, as the title stands above the first node."""
        return cluster or first

    def step(self, ends: Ends, chain: Chain, index: int) -> str:
        return self.edge(ends, chain.note(index))

    def link(
        self, ends: Ends, link: Link, fork: Fork, on_spine: set[int]
    ) -> str:
        if link.changes:
            self.dotted.append(self.edges)
        arrow = "-.->" if link.changes else "-->"
        said = filter(None, (link.pill or link.note, _words(link.heat)))
        return self.edge(ends, " · ".join(said), arrow)

    def edge(self, ends: Ends, label: str, arrow: str = "-->") -> str:
        """One edge."""
        self.edges += 1
        said = f"|{quoted(label)}|" if label else ""
        return f"{ends[0]} {arrow}{said} {ends[1]}"


def _words(cells: HeatCells) -> str:
    """What a node is painted with, on one line."""
    return told(cells).replace(" ", "\u00a0")


def _heat_of(part: FigurePart) -> HeatCells:
    """What a part without parts is painted with."""
    match part:
        case Strip(row=row):
            return row.heat
        case OpBox() | Join():
            return part.heat
    return ()


def _leaf(part: FigurePart) -> tuple[str, list[str], str, str]:
    """The brackets of a node, the lines of text between them, and its class."""
    match part:
        case Tile(rows=rows):
            return "[", list(map(_line, rows)), "]", rows[0].family
        case Strip(row=row):
            return "[", [_line(row)], "]", row.family
        case OpBox(text=text, detail=detail, family=family):
            return "[", [f"{text} {detail}".strip()], "]", family
        case Join(symbol=symbol, family=family):
            return "((", [symbol], "))", family
        case Capsule(text=text):
            return "([", [text], "])", "input"
    raise AssertionError(part)


def _line(row: TileRow) -> str:
    said = row.said, row.number, row.stride, row.times
    return " ".join(filter(None, said))
