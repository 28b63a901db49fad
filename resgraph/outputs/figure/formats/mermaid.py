"""A plan → Mermaid's flowchart language, for pages that draw it themselves: READMEs, wikis,
issues."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ..content.builder import Builder, View, check_names, choose
from ..content.parts import Capsule, Chain, Fork, Join, OpBox, Part, Strip, Tile
from ..style import HUES, mix
from . import limits

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
    net = Builder(graph, choose(view), check_names(graph, expand)).net()
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
class _Writer:
    """Writes parts as nodes, subgraphs and edges; ids are counted, so that no name can be a word of
    the language."""

    lines: list[str] = field(default_factory=list)
    families: set[str] = field(default_factory=set)
    dotted: list[int] = field(default_factory=list)
    edges: int = 0
    count: int = 0

    def fresh(self, prefix: str) -> str:
        """A new id."""
        self.count += 1
        return f"{prefix}{self.count}"

    def emit(self, depth: int, line: str) -> None:
        """One statement."""
        self.lines.append("  " * depth + line)

    def edge(
        self,
        depth: int,
        source: str,
        target: str,
        label: str = "",
        *,
        dotted: bool = False,
    ) -> None:
        """One edge; the dotted ones are coloured at the end, by their number."""
        if dotted:
            self.dotted.append(self.edges)
        self.edges += 1
        said = f"|{quoted(label)}|" if label else ""
        self.emit(depth, f"{source} {'-.->' if dotted else '-->'}{said} {target}")

    def part(self, part: Part, depth: int) -> tuple[str, str]:
        """Write a part; where to enter and to leave it."""
        if isinstance(part, Chain):
            ends = [self.part(inner, depth) for inner in part.parts]
            for index, (above, below) in enumerate(pairwise(ends), 1):
                self.edge(
                    depth,
                    above[1],
                    below[0],
                    part.notes[index] if index < len(part.notes) else "",
                )
            return ends[0][0], ends[-1][1]
        if isinstance(part, Fork):
            return self.fork(part, depth)
        name = self.fresh("n")
        self.emit(depth, f"{name}{self.leaf(part)}")
        return name, name

    def leaf(self, part: Tile | Strip | OpBox | Join | Capsule) -> str:
        """The shape, text and class of a node."""
        if isinstance(part, Tile | Strip):
            rows = part.rows if isinstance(part, Tile) else [part.row]
            said = [
                " ".join(
                    filter(
                        None,
                        (
                            r.said,
                            r.number,
                            r.stride,
                            f"× {r.count}" if r.count > 1 else "",
                        ),
                    )
                )
                for r in rows
            ]
            family = rows[0].family
            text = '"' + "<br>".join(quoted(line)[1:-1] for line in said) + '"'
            self.families.add(family)
            return f"[{text}]:::{family}"
        if isinstance(part, OpBox):
            self.families.add(part.family)
            return f"[{quoted(f'{part.text} {part.detail}'.strip())}]:::{part.family}"
        if isinstance(part, Join):
            self.families.add(part.family)
            return f"(({quoted(part.symbol)})):::{part.family}"
        self.families.add("input")
        return f"([{quoted(part.text)}]):::input"

    def fork(self, fork: Fork, depth: int) -> tuple[str, str]:
        """A subgraph with a point where its paths part."""
        is_net = bool(fork.breaks)
        inner = depth if is_net else depth + 1
        if not is_net:
            self.emit(depth, f"subgraph {self.fresh('s')}[{quoted(fork.heading)}]")
        entry = ""
        if any(link.source < 0 for link in fork.links):
            entry = self.fresh("n")
            self.emit(inner, f'{entry}(("&nbsp;")):::input')
            self.families.add("input")
        ends = [self.part(unit, inner) for unit in fork.units]
        for link in fork.links:
            source = entry if link.source < 0 else ends[link.source][1]
            self.edge(
                inner,
                source,
                ends[link.target][0],
                link.pill or link.note,
                dotted=link.changes,
            )
        if not is_net:
            self.emit(depth, "end")
        return entry or ends[0][0], ends[fork.result][1]
