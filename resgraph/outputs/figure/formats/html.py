"""A plan → one HTML file that shows it folded and unfolds on demand: no network, no library, every
picture inside.

A net is a pile of fragments on one spine: the script only chooses which of them to show. Blocks
that are equal share their fragments, in which PLACEHOLDER stands for the block's name, so that a
deep net is a small file."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ....collecting import by_key, by_name, each_name, of_type
from ....errors import Span, UsageError
from ....graph import Block, Item, Node, Path, items_in
from ....passes.receptive_field import receptive_fields
from ..content import quantity
from ..content.builder import PartBuilder
from ..content.heating import HeatScale, Warmth
from ..content.parts import (
    Chain,
    FigurePart,
    Fork,
    Link,
    Tile,
)
from ..content.rows import blocks_in
from ..figures.header import (
    caption,
    shortcut_kinds,
    subtitle,
    totals,
    unit_words,
)
from ..figures.legend import Legend
from ..figures.overview import RHYTHM, mark_sheets
from ..figures.paint import paint as paint_parts
from ..figures.row_annotations import BandFacts, columns, row_numbers
from ..layout.geometry import OPS, Placement, Rhythm, starts_with_box
from ..layout.tree import even, place, streams_into
from ..scene import Scene, ShapeGroup, Text
from ..style import FONT, HEAT_STEPS, PALETTES, Theme
from .svg import escape, fragment, number

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat

OPENS_IN = ("light", "dark", "auto")
PLACEHOLDER = "\ue000"
"""Stands for a block's name in a fragment that several blocks share."""


def html(
    plan: Plan, theme: Theme = "auto", paint: Sequence[Heat] = ()
) -> str:
    """The whole page. `theme` is what it opens in, which a reader may change; `paint` has the
    numbers that colour the nodes."""
    if theme not in OPENS_IN:
        raise UsageError(
            f"`html` opens in {', '.join(OPENS_IN)}, which its reader can change: `{theme}` is for"
            " the other formats"
        )
    here = files(__package__)
    script, style = (
        here.joinpath(name).read_text(encoding="utf-8")
        for name in ("viewer.js", "viewer.css")
    )
    # `<!-- <script>` changes how a page is read up to its end, and not only `</script>` does: no
    # `<` in the data.
    data = json.dumps(
        Pile(plan, paint).data(),
        ensure_ascii=False,
        separators=(",", ":"),
    ).replace("<", "\\u003c")
    lines = [
        "<!doctype html>",
        f'<html lang="en" data-theme="{theme}">',
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
        name: "".join(
            f"--{token}:{value};" for token, value in PALETTES[name].items()
        )
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
        f":root[data-theme=dark]{{color-scheme:dark;{tables['dark']}}}"
        f"@media print{{:root[data-theme]{{{tables['light']}}}}}{classes}"
    )


@dataclass(slots=True)
class Pile:
    """The fragments of a net, each distinct one once, and how they are piled up."""

    plan: Plan
    paint: Sequence[Heat] = ()
    fragments: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    legend: Legend = field(default_factory=Legend)
    # of what it is painted with, if with anything
    warmths: list[Warmth] = field(default_factory=list)
    rhythm: Rhythm = RHYTHM
    streams: int = 1  # that flow into what is piled up next
    # into each unit
    links: dict[int, list[Link]] = field(default_factory=dict)
    # streams that leave each
    exits: dict[int, int] = field(default_factory=dict)
    # found once, since each walks through the whole net
    facts: BandFacts = field(init=False)
    blocks: PartBuilder = field(init=False)
    ops: PartBuilder = field(init=False)
    shortcuts: set[str] = field(init=False)

    def __post_init__(self) -> None:
        plan, graph = self.plan, self.plan.graph
        self.facts = BandFacts(plan, receptive_fields(graph), self.paint)
        self.blocks = PartBuilder(graph, "blocks")
        self.ops = PartBuilder(graph, "ops")
        self.shortcuts = shortcut_kinds(graph)

    def data(self) -> dict[str, Any]:
        """Everything that the script is given."""
        plan, graph = self.plan, self.plan.graph
        self.legend.units = unit_words(graph)
        builder = PartBuilder(graph, "stages")
        net = builder.net()
        mark_sheets(net)
        self.warmths = [Warmth(net, graph, heat) for heat in self.paint]
        whole = even(RHYTHM, net)
        self.rhythm = replace(
            RHYTHM, tile_width=whole.tile_width - whole.heat
        )
        self.links = by_key((link.target, link) for link in net.links)
        start = self.add(net.units[0])
        self.exits[0] = self.streams
        rows = [
            self.row(builder, rows, units) for rows, units in builder.bands
        ]
        skips = [
            [link.source, link.target, link.port, link.entry]
            for link in net.links
            if link.target - link.source > 1 and link.source >= 0
        ]
        told = {
            "name": plan.name,
            "kind": subtitle(graph, plan.spec.about or ""),
            "totals": totals(plan),
            "counts": f"{quantity.ops(graph)}, depth {plan.depth}",
            "columns": [name for name, _ in columns(plan, self.paint)],
            "input": start,
            "rows": rows,
            "skips": skips,
            "units": len(net.units),
            "fragments": self.fragments,
            "legend": list(self.samples()),
        }
        for warmth in self.warmths:
            told["scale"] = _scale(warmth.scale)
        return told

    def samples(self) -> Iterator[tuple[float, str, str]]:
        """The legend of all fragments: for each sample its width, its drawing and its label."""
        self.legend.ops = False
        for wide, label, draw in self.legend.entries():
            yield wide, fragment([*draw(0, 8)]), label

    def row(
        self,
        builder: PartBuilder,
        rows: list[Path],
        units: list[FigurePart],
    ) -> dict[str, Any]:
        """One row of the net: its numbers, and its items."""
        graph = self.plan.graph
        nodes = graph.nodes_of(*rows)
        kinds = dict.fromkeys(block.block for block in blocks_in(rows))
        items = []
        for unit in units:
            place = len(self.exits)
            self.streams = streams_into(
                self.links.get(place, ()), self.exits
            )
            items += [
                self.item(builder, rows, part) for part in _parts_of(unit)
            ]
            self.exits[place] = self.streams
        return {
            "name": ", ".join(each_name(rows)),
            "shape": quantity.times(graph.shape(rows[-1].output)),
            "cells": [
                [told.said, told.share_said, told.share]
                for told in row_numbers(self.facts, rows)
            ],
            "kinds": ", ".join(filter(None, kinds)),
            "at": next(map(_begun, nodes), ""),
            "units": len(units),
            "items": items,
        }

    def item(
        self, builder: PartBuilder, rows: list[Path], part: FigurePart
    ) -> dict[str, Any]:
        """A tile, a join, or a run of blocks; each with what it unfolds to."""
        blocks = by_name(blocks_in(rows))
        match part:
            case Tile():
                layers = by_name(items_in(rows))
                return {
                    "f": self.flow(part),
                    "o": self.add_ops(
                        [layers[name] for name in part.covers]
                    ),
                }
            case Fork(name=name, repeat=run) if name in blocks:
                drawn = [*blocks.values()][run.first - 1 : run.last]
                return self.run(part, drawn)
        return {"f": self.flow(part)}

    def run(self, fork: Fork, blocks: list[Block]) -> dict[str, Any]:
        """Blocks drawn as one, and each of them; equal ones share what the first one unfolds to."""
        run = fork.repeat
        drawn: dict[Hashable, dict[str, Any]] = {}
        inside = []
        streams = self.streams
        for block in blocks:
            alike = (
                self.alike(block) if run.equal else block.name,
                self.streams,
            )
            if alike not in drawn:
                drawn[alike] = self.block(block)
            inside.append(drawn[alike] | {"n": block.name})
        if len(blocks) == 1:
            return inside[0]
        said = fork.label, *run.differences
        self.streams = streams
        return {
            "f": self.flow(fork),
            "label": fork.label,
            "tag": " ".join(filter(None, said)),
            "said": run.short,
            "blocks": inside,
        }

    def alike(self, block: Block) -> Hashable:
        """What equal blocks must share to be drawn alike: the numbers that they are painted
        with."""
        nodes = self.plan.graph.names_of(block)
        return tuple((*map(heat.values.get, nodes),) for heat in self.paint)

    def block(self, block: Block) -> dict[str, Any]:
        """One block: folded, and op by op."""
        folded = self.blocks.block(block, "rows", 1)
        ops = self.ops.block(block, "ops", 1)
        out: dict[str, Any] = {"n": block.name, "k": block.block}
        if folded and ops:
            opened = self.add(ops, block.name)
            out |= {"f": self.flow(folded, block.name), "o": opened}
        return out

    def flow(self, part: FigurePart, prefix: str = "") -> int:
        """The number of the fragment of a part, whose streams flow into the next one."""
        index = self.add(part, prefix)
        self.streams = len(self.fragments[index].get("x", [0]))
        return index

    def add_ops(self, items: list[Item]) -> int:
        """The fragment of some layers, op by op."""
        parts = [
            part for item in items if (part := self.ops.op_part(item, 0))
        ]
        return self.add(Chain("layers", parts), rhythm=OPS)

    def add(
        self,
        part: FigurePart,
        prefix: str = "",
        *,
        rhythm: Rhythm | None = None,
    ) -> int:
        """The number of a part's fragment, which is kept once however often it is asked for."""
        for warmth in self.warmths:
            warmth.colour(part)
        rhythm = even(rhythm or self.rhythm, part)
        placement = place(part, rhythm, self.streams)
        self.legend.gather(placement, self.shortcuts)
        scene = Scene(0, placement.height, "", "")
        paint_parts(scene, placement, 0, 0, rhythm)
        for item in of_type(ShapeGroup, scene.items):
            item.place = self.place_of(item.name)
            if prefix:
                _leave_open(item, prefix)
        drawn = fragment(scene.items)
        if prefix:
            drawn = drawn.replace(prefix + ".", PLACEHOLDER + ".")
        if drawn not in self.known:
            self.known[drawn] = len(self.fragments)
            self.fragments.append(_entry(placement, drawn))
        return self.known[drawn]

    def place_of(self, name: str) -> str:
        """Where in the YAML a node, or the first node of a layer or block, was written."""
        nodes = self.plan.graph.nodes
        for each in (name, f"{name}.conv", f"{name}.bn", f"{name}.0"):
            if each in nodes:
                return _written(nodes[each].origin.span)
        return ""


def _entry(placement: Placement, drawn: str) -> dict[str, Any]:
    """A fragment as the script knows it: its sizes, its picture, and where wires meet it."""
    sizes = (placement.height, placement.left, placement.right)
    entry: dict[str, Any] = dict(
        zip("hlr", map(_rounded, sizes), strict=True)
    )
    entry["d"] = drawn
    for end, places in (("e", placement.entries), ("x", placement.exits)):
        if len(places) > 1:
            entry[end] = [*map(_rounded, places)]
    if starts_with_box(placement.part):
        entry["a"] = 1
    return entry


def _begun(node: Node) -> str:
    """Where the call was written that led to a node, or the node."""
    return _written([*node.origin.calls, node.origin.span][0])


def _written(span: Span) -> str:
    """File and line, without the folders."""
    return f"{PurePath(span.source.name).name}:{span.line}"


def _rounded(size: float) -> float:
    return float(number(size))


def _scale(scale: HeatScale) -> dict[str, Any]:
    """What a legend says of the colours."""
    low, high = scale.ends
    return {
        "name": scale.heat.name, "low": low, "high": high, "steps": HEAT_STEPS,
        "said": " · ".join(scale.remarks), "note": scale.heat.note,
    }  # fmt: skip


def _parts_of(unit: FigurePart) -> list[FigurePart]:
    return unit.parts if isinstance(unit, Chain) else [unit]


def _leave_open(group: ShapeGroup, prefix: str) -> None:
    """Put the placeholder where a group says the name of its block."""
    if group.name.startswith(prefix):
        group.name = PLACEHOLDER + group.name[len(prefix) :]
    group.title = group.title.replace(prefix, PLACEHOLDER)
    group.shapes = [
        replace(shape, text=PLACEHOLDER)
        if isinstance(shape, Text) and shape.text == prefix
        else shape
        for shape in group.shapes
    ]
