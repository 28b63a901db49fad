"""Several nets → what of each the comparison figure has no strip for, where they differ in it: the
order of a unit, how blocks join, dropout and drop path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ....collecting import by_key, each_op, flatten
from ....graph import Block, Graph, Layer, Node
from ....ops import NORMS
from .rows import blocks_in, main_node
from .unit import layers_of, longest
from .wording import LONG, wording


def differing(graphs: Sequence[Graph]) -> list[list[str]]:
    """For each net a line for each fact that is not the same in all, `no dropout` where it has
    none. That a net has no convolution, or joins nothing, is seen: it is said only where others
    differ."""
    facts = list(map(_facts, graphs))
    names = dict.fromkeys(flatten(facts))
    said = {name: {each.get(name) for each in facts} for name in names}
    apart = [
        name
        for name in names
        if len(said[name] - _SEEN.get(name, set())) > 1
    ]
    return [
        [each.get(name, f"no {_KINDS.get(name, name)}") for name in apart]
        for each in facts
    ]


_SEEN: Mapping[str, set[str | None]] = {"unit": {None}, "merge": {None}}
_KINDS = {
    "unit": "norm or activation at convolutions",
    "merge": "blocks that merge",
}


def _facts(graph: Graph) -> dict[str, str]:
    merges = Counter(
        _merge(block) for block in blocks_in(graph.rows) if block.merge
    )
    found = {
        "unit": _unit(graph),
        "merge": max(merges, key=merges.__getitem__, default=""),
    }
    found |= _regularized(graph)
    return {name: said for name, said in found.items() if said}


def _regularized(graph: Graph) -> dict[str, str]:
    """Each kind of dropout and scale, from the first of its options to the last."""
    nodes = (n for n in graph.nodes.values() if n.op.family == "regularize")
    labels = by_key((node.op.op, _options(node)) for node in nodes)
    return {
        word: " ".join([word, *_range(said)])
        for word, said in labels.items()
    }


def _options(node: Node) -> str:
    words = wording(node.op)
    return f"{words.number} {words.rest}".strip()


def _range(said: list[str]) -> list[str]:
    return [said[0]] if len(set(said)) == 1 else [said[0], "to", said[-1]]


def _merge(block: Block) -> str:
    """The equation of a block, and what stands behind it: `body + shortcut, bn, relu`."""
    return ", ".join(
        [block.merge, *(item.label for item in block.result.items)]
    )


def _unit(graph: Graph) -> str:
    """In which order norm, activation and convolution stand in most of the layers that have the
    most of them: `conv-BN-ReLU`."""
    found: Counter[tuple[str, ...]] = Counter()
    for layer in layers_of(graph):
        order = _order(graph, layer)
        found[order] += main_node(graph, layer).op.family == "conv"
    found += Counter()  # without those that are never
    order = longest(found)
    words = (
        word.upper() if word in NORMS else LONG.get(word, word)
        for word in order
    )
    return "-".join(words) if len(order) > 1 else ""


def _order(graph: Graph, layer: Layer) -> tuple[str, ...]:
    ops = each_op(graph.nodes_of(layer))
    return tuple(op.op for op in ops if op.family in _UNIT)


_UNIT = ("conv", "norm", "activation")
