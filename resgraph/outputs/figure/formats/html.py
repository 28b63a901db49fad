"""A plan → one HTML file that shows it folded and unfolds on demand: no network, no library, every
picture inside.

A net is a pile of fragments on one spine: the script only chooses which of them to show. Blocks
that are equal share their fragments, in which PLACEHOLDER stands for the block's name, so that a
deep net is a small file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ....errors import Span
from ....graph import Block, Item, Path
from ....passes.receptive_field import receptive_fields
from ..content import quantity
from ..content.builder import Builder
from ..content.parts import Chain, Fork, Join, Part, Tile
from ..figures.header import caption, macs_text, subtitle
from ..figures.overview import RHYTHM, mark_sheets
from ..figures.paint import paint
from ..layout.geometry import OPS, Placement, starts_with_box
from ..layout.tree import place
from ..scene import Group, Scene, Text
from ..style import FONT, PALETTES, THEMES, Theme
from .svg import escape, fragment, number

if TYPE_CHECKING:
    from ....plan import Plan

PLACEHOLDER = "\ue000"
"""Stands for a block's name in a fragment that several blocks share."""


def html(plan: Plan, theme: Theme = "auto") -> str:
    """The whole page. `theme` is what it opens in; a reader may change it."""
    here = files(__package__)
    script, style = (
        here.joinpath(name).read_text(encoding="utf-8")
        for name in ("viewer.js", "viewer.css")
    )
    # `<!-- <script>` changes how a page is read up to its end, and not only `</script>` does: no
    # `<` in the data.
    data = json.dumps(
        Pile(plan).data(), ensure_ascii=False, separators=(",", ":")
    ).replace("<", "\\u003c")
    lines = [
        "<!doctype html>",
        f'<html lang="en" data-theme="{theme if theme in THEMES else "auto"}">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(plan.name)}</title>",
        f'<meta name="description" content="{escape(caption(plan))}">',
        f"<style>{_colours()}\n:root{{--font:{FONT}}}\n{style}</style>",
        '<div id="app"></div>',
        f'<script type="application/json" id="net">{data}</script>',
        f"<script>{script}</script>",
        "</html>\n",
    ]
    return "\n".join(lines)


def _colours() -> str:
    """The tokens as custom properties, and the classes that fragments use."""
    tables = {
        name: "".join(f"--{token}:{value};" for token, value in PALETTES[name].items())
        for name in ("light", "dark")
    }
    classes = "".join(
        f".f-{t}{{fill:var(--{t})}}.s-{t}{{stroke:var(--{t})}}"
        for t in PALETTES["light"]
    )
    return (
        f":root{{color-scheme:light;{tables['light']}}}"
        "@media (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{color-scheme:dark;{tables['dark']}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{tables['dark']}}}{classes}"
    )


@dataclass(slots=True)
class Pile:
    """The fragments of a net, each distinct one once, and how they are piled up."""

    plan: Plan
    fragments: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    left: float = 0.0
    right: float = 0.0

    def data(self) -> dict[str, Any]:
        """Everything that the script is given."""
        plan, graph = self.plan, self.plan.graph
        builder = Builder(graph, "stages")
        net = builder.net()
        mark_sheets(net)
        seen = receptive_fields(graph)
        start = self.add(net.units[0])
        rows = [self.row(builder, rows, units, seen) for rows, units in builder.bands]
        index = {id(unit): i for i, unit in enumerate(net.units)}
        skips = [
            [link.source, link.target]
            for link in net.links
            if link.target - link.source > 1 and link.source >= 0
        ]
        return {
            "name": plan.name,
            "kind": subtitle(graph, plan.spec.about or ""),
            "totals": f"{quantity.short(plan.params)} params · {macs_text(plan.macs)}",
            "counts": f"{quantity.plural(len(graph.nodes) - 1, 'op')}, depth {plan.depth}",
            "spine": round(self.left + 6, 1),
            "width": round(self.left + self.right + 12, 1),
            "input": start,
            "rows": rows,
            "skips": skips,
            "units": len(index),
            "fragments": self.fragments,
        }

    def row(
        self,
        builder: Builder,
        rows: list[Path],
        units: list[Part],
        seen: dict[str, Any],
    ) -> dict[str, Any]:
        """One row of the net: its numbers, and its items."""
        graph = self.plan.graph
        nodes = [node for row in rows for node in graph.nodes_of(row)]
        params, macs = (
            sum(n.cost.params for n in nodes),
            sum(n.cost.macs for n in nodes),
        )
        end = graph.nodes[rows[-1].output]
        items = [
            self.item(builder, rows, part) for unit in units for part in _parts_of(unit)
        ]
        return {
            "name": ", ".join(row.name for row in rows),
            "shape": quantity.times(end.shape),
            "params": [quantity.short(params), params / max(self.plan.params, 1)],
            "macs": [quantity.short(macs), macs / max(self.plan.macs, 1)],
            "seen": seen[end.name].text() if len(self.plan.input) == 3 else "",
            "at": _written([*nodes[0].origin.calls, nodes[0].origin.span][0])
            if nodes
            else "",
            "units": len(units),
            "items": items,
        }

    def item(self, builder: Builder, rows: list[Path], part: Part) -> dict[str, Any]:
        """A tile, a join, or a run of blocks; each with what it unfolds to."""
        if isinstance(part, Tile):
            layers = {item.name: item for row in rows for item in row.items}
            return {
                "f": self.add(part),
                "o": self.add_ops([layers[name] for name in part.covers]),
            }
        if isinstance(part, Fork) and part.repeat:
            blocks = [
                item for row in rows for item in row.items if isinstance(item, Block)
            ]
            mine = blocks[part.repeat.first - 1 : part.repeat.last]
            inside = [
                self.block(block)
                for block in (mine if not part.repeat.equal else mine[:1])
            ]
            if part.repeat.equal:
                inside = [{**inside[0], "n": block.name} for block in mine]
            run = part.repeat
            if len(mine) == 1:
                return inside[0]
            label = part.label or f"blocks 1–{run.last}"
            said = f"× {run.count}" if run.equal else f"{run.count} alike"
            tag = label if run.equal else " ".join([label, *run.differences])
            return {
                "f": self.add(part),
                "label": label,
                "tag": tag,
                "said": said,
                "blocks": inside,
            }
        return {"f": self.add(part)}

    def block(self, block: Block) -> dict[str, Any]:
        """One block: folded, and op by op."""
        graph = self.plan.graph
        folded = Builder(graph, "blocks").block(block, "rows", 1)
        ops = Builder(graph, "ops").block(block, "ops", 1)
        out: dict[str, Any] = {"n": block.name}
        if folded and ops:
            out |= {"f": self.add(folded, block.name), "o": self.add(ops, block.name)}
        return out

    def add_ops(self, items: list[Item]) -> int:
        """The fragment of some layers, op by op."""
        builder = Builder(self.plan.graph, "ops")
        parts = [part for item in items if (part := builder.op_part(item, 0))]
        return self.add(Chain("layers", parts), ops=True)

    def add(self, part: Part, prefix: str = "", *, ops: bool = False) -> int:
        """The number of a part's fragment, which is kept once however often it is asked for."""
        rhythm = OPS if ops else RHYTHM
        placement = place(part, rhythm)
        self.left, self.right = (
            max(self.left, placement.left),
            max(self.right, placement.right),
        )
        scene = Scene(0, placement.height, "", "")
        paint(scene, placement, 0, 0, rhythm)
        if prefix:
            scene.items = [
                _anonymous(item, prefix) if isinstance(item, Group) else item
                for item in scene.items
            ]
        for item in scene.items:
            if isinstance(item, Group):
                item.place = self.place_of(item.name.replace(PLACEHOLDER, prefix))
        drawn = (
            fragment(scene.items).replace(prefix + ".", PLACEHOLDER + ".")
            if prefix
            else fragment(scene.items)
        )
        if drawn not in self.known:
            self.known[drawn] = len(self.fragments)
            entry = {"h": float(number(placement.height)), "d": drawn}
            if _begins_with_box(placement):
                entry["a"] = 1
            self.fragments.append(entry)
        return self.known[drawn]

    def place_of(self, name: str) -> str:
        """Where in the YAML a node, or the first node of a layer or block, was written."""
        nodes = self.plan.graph.nodes
        node = nodes.get(name)
        if node is None:
            node = next(
                (
                    nodes[each]
                    for each in (f"{name}.conv", f"{name}.bn", f"{name}.0")
                    if each in nodes
                ),
                None,
            )
        return _written(node.origin.span) if node else ""


def _written(span: Span) -> str:
    """File and line, without the folders."""
    return f"{PurePath(span.source.name).name}:{span.line}"


def _parts_of(unit: Part) -> list[Part]:
    return unit.parts if isinstance(unit, Chain) and not unit.tight else [unit]


def _begins_with_box(placement: Placement) -> bool:
    return starts_with_box(placement.part) and not isinstance(placement.part, Join)


def _anonymous(group: Group, prefix: str) -> Group:
    """The same group under a name in which the block's is left open."""
    name = (
        PLACEHOLDER + group.name[len(prefix) :]
        if group.name.startswith(prefix)
        else group.name
    )
    title = group.title.replace(prefix, PLACEHOLDER)
    shapes = [
        (
            replace(shape, text=PLACEHOLDER)
            if isinstance(shape, Text) and shape.text == prefix
            else shape
        )
        for shape in group.shapes
    ]
    return Group(name, group.kind, title, shapes)
