"""A layer, a folded block or an op → the line or the box that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ....graph import Block, Graph, Layer, Node, Path
from ..style import family_of
from . import quantity
from .parts import OpBox, Row
from .wording import LONG, Wording, wording

_MAIN = ("conv", "dense", "pool", "merge", "shape")
"""The families that give a layer its name, the first before the rest; a layer of others is called
by its first op."""


def main_node(graph: Graph, layer: Layer) -> Node:
    """The node that a layer is about: its convolution, whatever norms and activations stand around
    it."""
    nodes = [graph.nodes[name] for name in layer.nodes]
    return min(
        nodes,
        key=lambda node: (
            _MAIN.index(node.op.family) if node.op.family in _MAIN else len(_MAIN)
        ),
    )


def title(graph: Graph, node: Node) -> str:
    """What a reader hears of a node: name, label, shapes and costs."""
    into = " and ".join(quantity.times(graph.nodes[name].shape) for name in node.inputs)
    arrow = f"{into} → " if into else ""
    cost = f", {node.cost.params:,} params" if node.cost.params else ""
    cost += f", {node.cost.macs:,} MACs" if node.cost.macs else ""
    return f"{node.name}: {node.op.label()}, {arrow}{quantity.times(node.shape)}{cost}"


def blocks_in(rows: Iterable[Path]) -> list[Block]:
    """The blocks that rows call, without the blocks within them."""
    return [item for row in rows for item in row.items if isinstance(item, Block)]


def stride_text(block: Block) -> str:
    """`/2`, or "" for a block that does not stride."""
    return "" if max(block.stride) == 1 else f"/{block.stride[0]}"


def layers_of(graph: Graph) -> list[Layer]:
    """Every layer of a net."""
    out = [item for row in graph.rows for item in row.items if isinstance(item, Layer)]
    for block in graph.blocks():
        out += [
            item
            for path in block.paths
            for item in path.items
            if isinstance(item, Layer)
        ]
    return out


def unit_of(graph: Graph, layers: Iterable[Layer]) -> tuple[str, ...]:
    """The norms and activations that go with a convolution in most of the layers, of those that
    have the most."""
    found: Counter[tuple[str, ...]] = Counter()
    for layer in layers:
        ops = [graph.nodes[name].op for name in layer.nodes]
        if any(op.family == "conv" for op in ops):
            found[tuple(op.op for op in ops if op.family != "conv")] += 1
    return max(found, key=lambda words: (len(words), found[words]), default=())


def layer_row(graph: Graph, layer: Layer, usual: Sequence[str] = ()) -> Row:
    """A layer as one line of a tile; of what goes with its main op, a convolution does not say what
    is `usual`."""
    node = main_node(graph, layer)
    words = wording(node.op)
    number = words.number
    before = graph.nodes[node.inputs[0]].shape if node.inputs else node.shape
    if not number and node.op.family == "pool" and len(before) != len(node.shape):
        number = str(node.shape[0])
    said = "; ".join(title(graph, graph.nodes[name]) for name in layer.nodes)
    text = f"{words.kernel} {LONG.get(words.word, words.word)}".strip()
    if node.op.family == "shape":
        text, number = " ".join(filter(None, (text, number, words.rest))), ""
    groups = _groups(words)
    besides = [graph.nodes[name].op.op for name in layer.nodes if name != node.name]
    usual = usual if node.op.family == "conv" else ()
    also = ", ".join(LONG.get(word, word) for word in besides if word not in usual)
    likeness = (tuple(graph.nodes[name].op for name in layer.nodes), before, node.shape)
    return Row(
        layer.name, family_of(node.op.family), text + groups, number, words.stride, title=said,
        likeness=likeness, also=also,
    )  # fmt: skip


def _groups(words: Wording) -> str:
    """`, 32 groups` for a grouped convolution."""
    tokens = words.rest.split()
    return (
        f", {tokens[tokens.index('groups') + 1]} groups"
        if "groups" in tokens[:-1]
        else ""
    )


def nested_row(graph: Graph, block: Block) -> Row:
    """A block within a path, folded to one line."""
    cost = quantity.total(graph.nodes_of(block))
    said = f"{block.name}: {block.label}, {cost.params:,} params, {cost.macs:,} MACs"
    word = block.block or block.name.rsplit(".", 1)[-1]
    number = str(block.out) if block.into != block.out else ""
    return Row(block.name, "block", word, number, stride_text(block), title=said)


def op_box(graph: Graph, node: Node) -> OpBox:
    """One op as a box of its own."""
    words = wording(node.op)
    before = graph.nodes[node.inputs[0]].shape if node.inputs else node.shape
    text, detail = words.long, words.rest
    if words.stride:
        text += f", stride {words.stride[1:]}"
    if node.cost.macs:
        into, out = quantity.times(before[:1]), quantity.times(node.shape[:1])
        detail = f"{into} → {out}" + (f", {words.rest}" if words.rest else "")
    elif node.op.family == "norm":
        detail = " ".join([str(node.shape[0]), words.rest]).strip()
    elif words.number:
        detail = " ".join([words.number, words.rest]).strip()
    params = quantity.short(node.cost.params) if node.cost.params else ""
    macs = f"{quantity.short(node.cost.macs)} MACs" if node.cost.macs else ""
    return OpBox(
        node.name,
        family_of(node.op.family),
        text,
        detail,
        params,
        macs,
        title(graph, node),
    )


def pill_text(graph: Graph, layers: Sequence[Layer]) -> str:
    """What a shortcut does, short enough for a pill: `1×1, 512 /2`, or `64 → 128` where it only
    makes room."""
    said = []
    for layer in layers:
        node = main_node(graph, layer)
        words = wording(node.op)
        if node.op.family in ("norm", "activation"):
            continue
        if node.op.family == "shape":
            before = graph.nodes[node.inputs[0]].shape
            said.append(f"{before[0]} → {node.shape[0]}")
        elif words.kernel and words.number:
            said.append(f"{words.kernel}, {words.number} {words.stride}".strip())
        else:
            said.append(
                " ".join(filter(None, (words.word, words.number, words.stride)))
            )
    return " · ".join(said)
