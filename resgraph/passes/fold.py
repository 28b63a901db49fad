"""Graph → the graph for inference: each batch norm that follows a convolution or fc becomes part of
it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ..collecting import by_key, without
from ..graph import Block, Graph, Item, Node
from ..ops import BatchNorm, Conv, DepthwiseConv, Fc, UpConv
from .expand.copies import Repeatable, ScopeCopy


def fold_batch_norm(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The graph without the norms that fold, and of each such norm the node that takes it in
    (`{norm: conv}`).

    With statistics that no longer move, a norm is a factor and a shift per channel (Jacob et al.
    2018, section 3.2): the convolution's filters take the factor, its bias the shift. So every
    other node keeps its name and its value, and a convolution without a bias gets one. A norm stays
    where something else reads the convolution too, and after filters that are standardized before
    use."""
    reads = graph.times_read()
    folded = _everywhere(
        graph,
        {
            name: source
            for name, source in _pairs(graph)
            if reads[source] == 1
        },
    )
    left, takers = _Folded(folded), set(folded.values())
    nodes: dict[str, Node] = {}
    for name, node in graph.nodes.items():
        if name not in folded:
            inputs = tuple(map(left.end, node.inputs))
            node = replace(node, inputs=inputs)
            if name in takers:
                node = _with_bias(
                    node, [nodes[source] for source in inputs]
                )
            nodes[name] = node
    rows = [*map(left.path, graph.rows)]
    outputs = tuple(
        replace(o, node=left.end(o.node)) for o in graph.outputs
    )
    return replace(graph, nodes=nodes, rows=rows, outputs=outputs), folded


def _pairs(graph: Graph) -> Iterator[tuple[str, str]]:
    """Every norm that reads a layer which could take it in, and that layer."""
    for name, node in graph.nodes.items():
        if isinstance(node.op, BatchNorm):
            op = graph.nodes[node.inputs[0]].op
            if isinstance(op, DepthwiseConv | UpConv | Fc) or (
                isinstance(op, Conv) and not op.standardize
            ):
                yield name, node.inputs[0]


def _everywhere(graph: Graph, pairs: Mapping[str, str]) -> dict[str, str]:
    """Of the pairs of a norm and its layer, those whose modules stand together wherever either is
    called again."""
    calls = by_key(
        (node.module, node.name) for node in graph.nodes.values()
    )

    def others(name: str) -> list[str]:
        return calls[graph.nodes[name].module]

    return {
        norm: source
        for norm, source in pairs.items()
        if {*map(pairs.get, others(norm))} == {*others(source)}
    }


def _with_bias(node: Node, inputs: list[Node]) -> Node:
    if getattr(node.op, "bias", None) != "none":
        return node
    op = replace(node.op, bias="default")
    cost = op.cost(*(source.shape for source in inputs))
    return replace(
        node, op=op, cost=replace(cost, params=0) if node.shares else cost
    )


class _Folded(ScopeCopy, Struct):
    """The scopes of a net around the nodes that are left."""

    folded: Mapping[str, str]

    def name(self, name: str) -> str:
        return name

    def end(self, node: str) -> str:
        return self.folded.get(node, node)

    def shares(self, scope: Repeatable) -> str:
        return scope.shares

    def within(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(without(names, self.folded))

    def items(self, items: Iterable[Item]) -> list[Item]:
        """But for a layer that was a norm alone."""
        made = super().items(items)
        return [
            item for item in made if isinstance(item, Block) or item.nodes
        ]
