"""A layer, a folded block or an op → the line or the box that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ....dotted import last_word
from ....graph import Block, Graph, Item, Layer, Node, Path
from ....ops.base import Shape, value_text
from ..style import family_of
from . import quantity
from .parts import OpBox, TileRow
from .repeats import structure
from .unit import UsualUnit
from .wording import LONG, Wording, wording

_MAIN = ("conv", "dense", "attention", "pool", "merge", "shape")
"""The families that give a layer its name, the first before the rest; a layer of others is called
by its first op."""
_RANKS = {family: rank for rank, family in enumerate(_MAIN)}


def main_node(graph: Graph, layer: Layer) -> Node:
    """The node that a layer is about: its convolution, whatever norms and activations stand around
    it."""
    return min(
        graph.nodes_of(layer),
        key=lambda node: _RANKS.get(node.op.family, len(_RANKS)),
    )


def title(graph: Graph, node: Node) -> str:
    """What a reader hears of a node: name, label, shapes and costs."""
    into = " and ".join(map(quantity.times, graph.shapes_into(node)))
    arrow = f"{into} → " if into else ""
    cost = f", {node.cost.params:,} params" if node.cost.params else ""
    cost += f", {node.cost.macs:,} MACs" if node.cost.macs else ""
    return f"{node.name}: {node.op.label()}, {arrow}{quantity.times(node.shape)}{cost}"


def titles(graph: Graph, scope: Path | Item) -> str:
    """The titles of all nodes of a scope, one after another."""
    return "; ".join(title(graph, node) for node in graph.nodes_of(scope))


def blocks_in(rows: Iterable[Path]) -> list[Block]:
    """The blocks that rows call, without the blocks within them."""
    return [
        block for row in rows for block in row.blocks if not block.again
    ]


def is_line(item: Item) -> bool:
    """Whether an item of a row is drawn as a line of a tile: a layer, or what is made again."""
    return isinstance(item, Layer) or bool(item.again)


def stride_text(block: Block) -> str:
    """`/2`, or "" for a block that does not stride."""
    stride = value_text(block.stride).replace("x", "×")
    return "" if max(block.stride) == 1 else f"/{stride}"


def stride_words(text: str) -> str:
    """`/2` as words behind others, `, stride 2`; "" where there is none."""
    return text and f", stride {text[1:]}"


def layer_row(
    graph: Graph, layer: Layer, usual: UsualUnit | None = None
) -> TileRow:
    """A layer as one line of a tile; of what goes with its main op, a convolution does not say what
    is `usual`."""
    main = main_node(graph, layer)
    nodes = [*graph.nodes_of(layer)]
    family = main.op.family
    words = wording(main.op)
    before = graph.shape(main.inputs[0])
    number = words.number or _width_of_pool(main, before)
    text = f"{words.kernel} {LONG.get(words.word, words.word)}".strip()
    if family == "shape":
        text = " ".join(filter(None, (text, number, words.rest)))
        number = ""
    else:
        text += _options(words, len(main.shape) - 1)
    besides = [node.op.op for node in nodes if node is not main]
    also = (
        usual.remarks(layer, besides)
        if usual and family == "conv"
        else [LONG.get(word, word) for word in besides]
    )
    return TileRow(
        layer.name,
        family_of(family),
        text,
        number,
        words.stride,
        title=titles(graph, layer),
        likeness=(tuple(node.op for node in nodes), before, main.shape),
        also=", ".join(also),
    )


def _width_of_pool(main: Node, before: Shape) -> str:
    """The width of the vector that a global pool makes of a map."""
    made = main.op.family == "pool" and len(before) != len(main.shape)
    return str(main.shape[0]) if made else ""


_OPTIONS = {
    "to": " to {}",
    "groups": ", {} groups",
    "heads": ", {} heads",
    "dilation": ", dilation {}",
}
"""The options that no shape in a figure tells, and how a line says each."""
_OPTION = re.compile(rf"\b({'|'.join(_OPTIONS)}) (\S+)")


def _options(words: Wording, axes: int) -> str:
    """`, 32 groups` of a grouped convolution, ` to 6×6` of a pool that makes a map of that size."""
    said = ""
    for option, value in _OPTION.findall(words.rest):
        if option == "to" and value.isdigit():
            value = "×".join([value] * axes)
        said += _OPTIONS[option].format(value)
    return said


def nested_row(graph: Graph, block: Block) -> TileRow:
    """A block within a path, folded to one line."""
    cost = graph.cost_of(block)
    said = f"{block.name}: {block.label}, {cost.params:,} params, {cost.macs:,} MACs"
    if block.again:
        text = f"again {block.again}"
        shape = graph.shape(block.output)
        return TileRow(
            block.name, "block", text, str(block.out), title=said,
            likeness=(text, shape), again=True,
        )  # fmt: skip
    own = last_word(block.name)
    # the number of its place says nothing
    word = block.block or ("inline" if own.isdigit() else own)
    before, after = (
        graph.shape(block.input)[0],
        graph.shape(block.output)[0],
    )
    number = str(after) if before != after else ""
    return TileRow(
        block.name, "block", word, number, stride_text(block), title=said,
        likeness=structure(graph, block),
    )  # fmt: skip


def op_box(graph: Graph, node: Node) -> OpBox:
    """One op as a box of its own."""
    words = wording(node.op)
    family = node.op.family
    cost = node.cost
    about = [words.number, words.rest]
    if cost.macs:
        before = graph.shape(node.inputs[0])
        widths = f"{quantity.times(before[:1])} → {quantity.times(node.shape[:1])}"
        about = [", ".join(filter(None, (widths, words.rest)))]
    elif family == "norm":
        about[0] = str(node.shape[0])
    return OpBox(
        node.name,
        family_of(family),
        words.long + stride_words(words.stride),
        " ".join(about).strip(),
        quantity.short(cost.params) if cost.params else "",
        quantity.macs_text(cost) if cost.macs else "",
        title(graph, node),
    )


def pill_text(graph: Graph, layers: Sequence[Layer]) -> str:
    """What a shortcut does, short enough for a pill: `1×1, 512 /2`, or `64 → 128` where it only
    makes room."""
    nodes = [main_node(graph, layer) for layer in layers]
    said = [
        _doing(graph, node)
        for node in nodes
        if node.op.family not in ("norm", "activation")
    ]
    return " · ".join(said)


def _doing(graph: Graph, node: Node) -> str:
    words = wording(node.op)
    if node.op.family == "shape":
        return f"{graph.shape(node.inputs[0])[0]} → {node.shape[0]}"
    if words.kernel and words.number:
        return f"{words.kernel}, {words.number} {words.stride}".strip()
    return " ".join(filter(None, (words.word, words.number, words.stride)))
