"""A plan → Mermaid's flowchart language, for pages that draw it themselves: READMEs, wikis,
issues."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..content.builder import PartBuilder, View, check_names, choose
from ..content.parts import (
    Capsule,
    Chain,
    FigurePart,
    Fork,
    Join,
    Link,
    OpBox,
    Strip,
    Tile,
    TileRow,
)
from ..style import HUES, mix
from . import limits
from .diagram import DiagramWriter, Ends

if TYPE_CHECKING:
    from ....plan import Plan


_LOOK = (
    "%%{init: "
    + json.dumps(
        {
            "theme": "base",
            "themeVariables": {
                "clusterBkg": "#f6f8fa",
                "clusterBorder": "#c8d0d9",
                "lineColor": "#616e7c",
            },
            "flowchart": {"subGraphTitleMargin": {"top": 4, "bottom": 18}},
        }
    )
    + "}%%"
)
"""Clusters are as light as the figure's cards, and their titles stand clear of the edges that enter
below."""

_ENTITIES = {
    "#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;", "&": "#amp;",
    "%": "#37;", "$": "#36;",
}  # fmt: skip
"""What Mermaid would read in a label: entities, markup, and also directives (`%%{`) and formulas
(`$$`)."""


def mermaid(plan: Plan, view: View = "auto", expand: Iterable[str] = ()) -> str:
    """The net as a flowchart; views and names to unfold are those of the figure.

    Raises `UsageError` where it has more edges or text than Mermaid draws.
    """
    graph = plan.graph
    writer = _Writer()
    net = PartBuilder(graph, choose(view), check_names(graph, expand)).net(ends=True)
    writer.part(net, 1)
    classes = [
        f"  classDef {family} fill:{mix(light, '#ffffff', 0.15)},stroke:{light},color:#1f2933"
        for family, (light, _) in HUES.items()
        if family in writer.families
    ]
    links = (
        [f"  linkStyle {','.join(map(str, writer.dotted))} stroke:#c2410c"]
        if writer.dotted
        else []
    )
    head = ["---", f"title: {titled(plan.name)}", "---", _LOOK, "flowchart TB"]
    text = "\n".join([*head, *writer.lines, *classes, *links, ""])
    limits.mermaid(writer.edges, len(text))
    return text


def quoted(text: str) -> str:
    """A string of the language: what is special to it becomes an entity."""
    return '"' + "".join(_ENTITIES.get(c, c if c >= " " else " ") for c in text) + '"'


def titled(text: str) -> str:
    """A title: YAML, in which Mermaid shows no entity and takes `<` for a tag, so that a sign like
    it stands there."""
    return json.dumps(text.replace("<", "\uff1c"), ensure_ascii=False)


@dataclass(slots=True)
class _Writer(DiagramWriter):
    """The statements of Mermaid's language. `families` are those that occur; `dotted` are the
    numbers of the dotted edges, which are coloured by them at the end."""

    families: set[str] = field(default_factory=set)
    dotted: list[int] = field(default_factory=list)
    edges: int = 0
    CLOSE = "end"

    def node(self, name: str, part: FigurePart, group: str) -> str:
        before, lines, after, family = _leaf(part)
        self.families.add(family)
        text = "<br>".join(quoted(line)[1:-1] for line in lines)
        return f'{name}{before}"{text}"{after}:::{family}'

    def point(self, name: str, group: str) -> str:
        self.families.add("input")
        return f'{name}(("&nbsp;")):::input'

    def opening(self, fork: Fork) -> list[str]:
        return [f"subgraph {self.fresh('s')}[{quoted(fork.heading)}]"]

    def step(self, ends: Ends, chain: Chain, index: int) -> str:
        return self.edge(ends, chain.note(index))

    def link(self, ends: Ends, link: Link, fork: Fork, on_spine: set[int]) -> str:
        if link.changes:
            self.dotted.append(self.edges)
        arrow = "-.->" if link.changes else "-->"
        return self.edge(ends, link.pill or link.note, arrow)

    def edge(self, ends: Ends, label: str, arrow: str = "-->") -> str:
        """One edge."""
        self.edges += 1
        said = f"|{quoted(label)}|" if label else ""
        return f"{ends[0]} {arrow}{said} {ends[1]}"


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
    count = f"× {row.count}" if row.count > 1 else ""
    return " ".join(filter(None, (row.said, row.number, row.stride, count)))
