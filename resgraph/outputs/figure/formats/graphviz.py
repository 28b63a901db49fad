"""A plan → Graphviz' language: always as text, and laid out by an engine where one is installed.

What tames `dot` on residual nets: one group and a high weight along the main path, shortcuts that
leave and enter at the east and weigh nothing, a point where paths part, and never orthogonal
splines. Ids are counted, never user text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....errors import MissingError
from ...registry import OUTPUTS, named
from ..content.builder import Builder, View, check_names, choose
from ..content.parts import (
    Capsule,
    Chain,
    Fork,
    Join,
    Link,
    OpBox,
    Part,
    Row,
    Strip,
    Tile,
)
from ..fonts import packaged
from ..layout.branches import spine_of
from ..style import FONT, PALETTES, Theme
from ..text import width
from .svg import escape

if TYPE_CHECKING:
    from ....plan import Plan

LAID_OUT = [
    "svg",
    *(each.name for each in named("render").values() if each.takes == "svg"),
]
"""The formats that Graphviz' own layout can be had in."""
_INSTALL = (
    "install Graphviz (apt install graphviz, brew install graphviz, or"
    " https://graphviz.org/download), or `pip install pygraphviz`, which brings an engine"
)


_FONTS = (
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
    "<fontconfig><dir>{folder}</dir><cachedir>{folder}</cachedir></fontconfig>"
)


def dot(
    plan: Plan, view: View = "auto", expand: Iterable[str] = (), theme: Theme = "light"
) -> str:
    """The net as a directed graph for `dot`; views and names to unfold are those of the figure."""
    graph = plan.graph
    builder = Builder(graph, choose(view), check_names(graph, expand))
    writer = _Writer(PALETTES["dark" if theme == "dark" else "light"])
    return writer.document(plan.name, builder.net())


def laid_out(source: str, kind: str = "svg", **options: Any) -> str | bytes:
    """The text of `dot`, laid out by whichever engine is there, as one of `LAID_OUT`; the options
    are that format's.

    Graphviz' own PNG and PDF take what fonts a machine has and leave a box, or nothing, for letters
    that these lack; so they are drawn from its SVG, by the rules of the figure. Raises
    `MissingError` where there is no engine, and as `raster` does."""
    svg = _engine(source).decode()
    if kind == "svg":
        return svg
    # Helvetica is not among the fonts that come with resgraph, and typst would take one of its own
    # for it.
    svg = re.sub(r'font-family="[^"]*"', f'font-family="{escape(FONT)}"', svg)
    drawn: str | bytes = OUTPUTS[kind].load()(svg, **options)
    return drawn


def _engine(source: str) -> bytes:
    """What Graphviz makes of a text: SVG."""
    program = shutil.which("dot")
    if program is None:
        return _library(source)
    with tempfile.TemporaryDirectory() as folder:
        # The fonts that come with resgraph: the same layout on every machine. Copied, as fontconfig
        # may mark a folder.
        for font in packaged():
            shutil.copy(font, folder)
        told = Path(folder) / "fonts.conf"
        told.write_text(_FONTS.format(folder=escape(folder)), encoding="utf-8")
        environment = {**os.environ, "FONTCONFIG_FILE": str(told)}
        done = subprocess.run(
            [program, "-Tsvg"],
            input=source.encode(),
            capture_output=True,
            env=environment,
        )
    if done.returncode or b"</svg>" not in done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [
            f"it ended with {done.returncode}"
        ]
        raise MissingError(f"Graphviz' `dot` ({program}) draws no SVG: {said[0]}")
    return done.stdout


def _library(source: str) -> bytes:
    try:
        import pygraphviz
    except ImportError:
        raise MissingError(f"no Graphviz engine was found: {_INSTALL}") from None
    return bytes(pygraphviz.AGraph(string=source).draw(prog="dot", format="svg"))


def quoted(text: str) -> str:
    """A string of the language: nothing in it is read as an escape, a newline or markup."""
    text = (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\r", " ")
        .replace("\n", " ")
    )
    return f'"{text}"'


def _html(text: str) -> str:
    """Text within an HTML-like label."""
    clean = "".join(
        c if c >= " " and not "\ud800" <= c <= "\udfff" else "\ufffd" for c in text
    )
    return (
        clean.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
    )


_SIZE = 10.0
"""The size of text in points. Boxes have room for it in the widest of fonts (`figure.text`),
whichever lays it out."""


@dataclass(slots=True)
class _Ports:
    """The nodes through which a part is entered and left."""

    first: str
    last: str


@dataclass(slots=True)
class _Writer:
    """Writes parts as nodes, clusters and edges; `count` numbers the ids."""

    colours: dict[str, str]
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def document(self, name: str, net: Fork) -> str:
        """The whole graph."""
        c = self.colours
        self.lines += [
            f"digraph {quoted(name)} {{",
            f"  graph [label={quoted(name)}, labelloc=t, labeljust=l, fontname=Helvetica,"
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
        self.part(net, 1, "spine")
        return "\n".join([*self.lines, "}", ""])

    def emit(self, depth: int, line: str) -> None:
        """One statement."""
        self.lines.append("  " * depth + line)

    def fresh(self, prefix: str = "n") -> str:
        """A new id."""
        self.count += 1
        return f"{prefix}{self.count}"

    def part(self, part: Part, depth: int, group: str) -> _Ports:
        """Write a part; where to enter and to leave it."""
        if isinstance(part, Chain):
            return self.chain(part, depth, group)
        if isinstance(part, Fork):
            return self.fork(part, depth, group)
        name = self.fresh()
        common = f"id={quoted(part.name)}, tooltip={quoted(part.title or part.name)}, group={group}"
        self.emit(depth, f"{name} [{self.leaf(part)}, {common}];")
        return _Ports(name, name)

    def leaf(self, part: Tile | Strip | OpBox | Join | Capsule) -> str:
        """The attributes that draw a part without parts."""
        c = self.colours
        if isinstance(part, Tile):
            return f"label=<{self.table(part.rows)}>"
        if isinstance(part, Strip):
            return f"label=<{self.table([part.row])}>"
        if isinstance(part, OpBox):
            name = part.family
            room = max(
                2.4, (width(f"{part.text} {part.detail}".strip(), _SIZE) + 16) / 72
            )
            text = _html(part.text) + (
                f" <font color='{c['muted']}'>{_html(part.detail)}</font>"
                if part.detail
                else ""
            )
            return (
                f'label=<{text}>, shape=box, style="rounded,filled",'
                f' fillcolor="{c[name + "-fill"]}", color="{c[name + "-line"]}", width={room:.3g},'
                " height=0.28"
            )
        if isinstance(part, Join):
            shape = "circle" if len(part.symbol) == 1 else "box"
            return (
                f'label={quoted(part.symbol)}, shape={shape}, style="rounded,filled",'
                f' fillcolor="{c["merge-fill"]}", color="{c["merge"]}", width=0.2, height=0.2,'
                ' margin="0.04,0.02"'
            )
        return (
            f'label={quoted(part.text)}, shape=box, style="rounded", color="{c["edge"]}",'
            " height=0.3"
        )

    def table(self, rows: list[Row]) -> str:
        """A tile's rows as a table: what at the left, how wide and the stride at the right."""
        cells = []
        for row in rows:
            right = " ".join(
                filter(
                    None, (_html(row.number), f"× {row.count}" if row.count > 1 else "")
                )
            )
            stride = (
                f" <font color='{self.colours['accent']}'>{_html(row.stride)}</font>"
                if row.stride
                else ""
            )
            fill = self.colours[f"{row.family}-row"]
            numbers = (
                f"{row.number} {f'× {row.count}' if row.count > 1 else ''} {row.stride}"
            )
            wide, narrow = (
                f"bgcolor='{fill}' width='{width(text, _SIZE) + 8:.0f}'"
                for text in (row.said, numbers)
            )
            cells.append(
                f"<tr><td align='left' {wide}>{_html(row.said)}</td>"
                f"<td align='right' {narrow}>{right}{stride or ' '}</td></tr>"
            )
        edge = self.colours["tile-edge"]
        return (
            "<table border='1' cellborder='0' cellspacing='2' cellpadding='3' style='rounded'"
            f" color='{edge}'>" + "".join(cells) + "</table>"
        )

    def chain(self, chain: Chain, depth: int, group: str) -> _Ports:
        """Parts one after another."""
        ports = [self.part(part, depth, group) for part in chain.parts]
        for index, (above, below) in enumerate(pairwise(ports), 1):
            note = chain.notes[index] if index < len(chain.notes) else ""
            label = f", label={quoted(' ' + note)}" if note else ""
            head = ", arrowhead=none" if chain.tight else ""
            self.emit(depth, f"{above.last} -> {below.first} [weight=20{head}{label}];")
        return _Ports(ports[0].first, ports[-1].last)

    def fork(self, fork: Fork, depth: int, group: str) -> _Ports:
        """A cluster with a point where its paths part; shortcuts from east to east."""
        is_net = bool(fork.breaks)
        if not is_net:
            self.emit(depth, f"subgraph {self.fresh('cluster')} {{")
            self.cluster(fork, depth + 1)
        inner = depth + (not is_net)
        entry = ""
        if any(link.source < 0 for link in fork.links):
            entry = self.fresh()
            self.emit(
                inner,
                f'{entry} [shape=point, width=0.05, label="", color="{self.colours["edge"]}",'
                f" group={group}];",
            )
        on_spine = set(range(len(fork.units))) if is_net else spine_of(fork)
        ports = [
            self.part(unit, inner, group if index in on_spine else self.fresh("side"))
            for index, unit in enumerate(fork.units)
        ]
        for link in fork.links:
            tail = entry if link.source < 0 else ports[link.source].last
            self.emit(
                inner,
                f"{tail} -> {ports[link.target].first} [{self.link(fork, link, on_spine)}];",
            )
        if not is_net:
            self.emit(depth, "}")
        return _Ports(entry or ports[0].first, ports[fork.result].last)

    def cluster(self, fork: Fork, depth: int) -> None:
        """How a cluster looks, and what it stands for."""
        c = self.colours
        self.emit(
            depth,
            f'graph [label={quoted(fork.heading)}, labeljust=l, style="rounded,filled",'
            f' fillcolor="{c["card"]}", color="{c["rule"]}", fontsize=10, fontcolor="{c["muted"]}",'
            f" tooltip={quoted(fork.title)}];",
        )

    @staticmethod
    def skips(fork: Fork, link: Link) -> bool:
        """Whether a link between rows of a net passes over rows."""
        return bool(fork.breaks) and link.source != link.target - 1

    def link(self, fork: Fork, link: Link, on_spine: set[int]) -> str:
        """The attributes of an edge."""
        from_spine, to_spine = (
            link.source < 0 or link.source in on_spine,
            link.target in on_spine,
        )
        adjacent = (
            from_spine and to_spine and not link.shortcut and not self.skips(fork, link)
        )
        out = ["weight=20"] if adjacent else ["weight=0"]
        if not adjacent and to_spine and isinstance(fork.units[link.target], Join):
            out += [
                "headport=e",
                *(["tailport=e"] if from_spine and not link.pill else []),
            ]
        if link.changes:
            out += [
                "style=dotted",
                f'color="{self.colours["accent"]}"',
                f'fontcolor="{self.colours["accent"]}"',
                "penwidth=1.6",
            ]
        if link.pill or link.note:
            out.append(f"label={quoted(' ' + (link.pill or link.note) + ' ')}")
        return ", ".join(out)
