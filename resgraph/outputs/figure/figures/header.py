"""A plan → the head of its picture: its name, what kind of net it is, and its totals."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ....graph import Block, Graph, Path
from .. import text
from ..content import quantity
from ..content.rows import blocks_in
from ..content.unit import UsualUnit
from ..scene import Scene, Text

if TYPE_CHECKING:
    from ....plan import Plan

MARGIN = 36.0
_BY = {
    "projection": "by a projection",
    "zero-pad": "by padding with zeros",
    "path": "by a path of their own",
}
"""How each kind of shortcut changes the shape."""
_OPTIONS = {"zero-pad": "option A", "projection": "option B"}


def subtitle(graph: Graph, about: str) -> str:
    """What kind of net it is, from its graph: its blocks and what its shortcuts do where the shape
    changes."""
    merged = _merged(graph)
    if not merged:
        return about
    named = dict.fromkeys(block.block for block in merged)
    names = [*filter(None, named)] or ["inline"]
    others = " and others" if len(names) > 3 else ""
    kinds = dict.fromkeys(
        block.shortcut for block in merged if _changes(graph, block)
    )
    shortcuts = ", ".join(
        f"{kind} shortcuts ({_OPTIONS[kind]})"
        for kind in kinds
        if kind in _OPTIONS
    )
    said = f"{', '.join(names[:3])}{others} blocks"
    return f"{said} · {shortcuts}" if shortcuts else said


def _merged(graph: Graph) -> list[Block]:
    """The blocks of a net's rows that join paths."""
    return [block for block in blocks_in(graph.rows) if block.merge]


def _changes(graph: Graph, block: Block) -> bool:
    return graph.shape(block.input) != graph.shape(block.output)


def inputs_text(plan: Plan) -> str:
    """`3×224×224`, or each of several by its name."""
    return " and ".join(
        quantity.times(shape)
        if name == "input"
        else f"{name} {quantity.times(shape)}"
        for name, shape in plan.inputs.items()
    )


def caption(plan: Plan) -> str:
    """A net in two or three sentences, for the caption of a paper and for whoever cannot see the
    picture."""
    graph = plan.graph
    rows = [f"{row.name} ({_row_text(row)})" for row in graph.rows]
    said = [
        (
            f"{plan.name}: {inputs_text(plan)} in, {_out(plan)} out,"
            f" {quantity.short(plan.params)} parameters, {quantity.short(plan.macs)} multiply-adds,"
            f" depth {plan.depth}."
        ),
        f"From top to bottom: {', '.join(rows)}.",
    ]
    if kinds := sorted(shortcut_kinds(graph)):
        how = " or ".join(_BY[kind] for kind in kinds)
        said.append(f"Dotted shortcuts change the shape, {how}.")
    return " ".join(said)


def _out(plan: Plan) -> str:
    """The shapes of what comes out, several with the names of their rows."""
    if not plan.graph.listed:
        return quantity.times(plan.output)
    named = plan.outputs.items()
    return ", ".join(
        f"{row} {quantity.times(shape)}" for row, shape in named
    )


def _row_text(row: Path) -> str:
    """`3 bottleneck`, `7x7 conv 64 /2`, `2 layers`."""
    if blocks := Counter(block.called for block in blocks_in([row])):
        return ", ".join(
            f"{count} {name}" for name, count in blocks.items()
        )
    labels = [item.label for item in row.items]
    return (
        labels[0]
        if len(labels) == 1
        else quantity.plural(len(labels), "layer")
    )


def short_macs(macs: int) -> str:
    """`11.5 GMACs`, `352 M MACs`."""
    said = quantity.short(macs)
    return f"{said}MACs" if said.endswith("G") else f"{said} MACs"


def header(scene: Scene, plan: Plan, width: float) -> None:
    """Name and kind at the left, totals at the right; 68 pixels high."""
    graph = plan.graph
    right = width - MARGIN
    blocks = len(_merged(graph))
    counted = [quantity.plural(blocks, "block")] if blocks else []
    counted += [
        quantity.ops(graph),
        f"depth {plan.depth}",
    ]
    kind = subtitle(graph, plan.spec.about or "")
    for said, end, y, big, small, weight, ink in (
        (plan.name, totals(plan), 50, 20, 11, (700, 600), "ink"),
        (kind, ", ".join(counted), 68, 10.5, 10.5, (400, 400), "muted"),
    ):
        room = right - MARGIN - text.width(end, small, weight[1]) - 24
        if said:
            left = text.fit(said, big, room, weight[0])
            scene.add(Text(MARGIN, y, left, big, weight[0], ink))
        scene.add(Text(right, y, end, small, weight[1], ink, "end"))


def totals(plan: Plan) -> str:
    """`25.6 M params · 4.09 GMACs`."""
    return f"{quantity.short(plan.params)} params · {short_macs(plan.macs)}"


def unit_words(graph: Graph) -> str:
    """What goes with a convolution in most layers of a net: ` (+ BN + ReLU)`."""
    said = UsualUnit(graph).legend
    return said and f" (+ {said})"


def shortcut_kinds(graph: Graph) -> set[str]:
    """The kinds of shortcuts by which blocks change the shape."""
    return _BY.keys() & {
        block.shortcut for block in graph.blocks() if _changes(graph, block)
    }
