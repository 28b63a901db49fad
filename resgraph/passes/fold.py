"""Graph → the graph for inference: each batch norm that follows a convolution or fc becomes part of
it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from ..graph import Block, Equation, Graph, Item, Layer, Node, Path, Stream
from ..ops import BatchNorm, Conv, DepthwiseConv, Fc, UpConv


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
        graph, {name: source for name, source in _pairs(graph) if reads[source] == 1}
    )
    takers = set(folded.values())
    nodes: dict[str, Node] = {}
    for name, node in graph.nodes.items():
        if name not in folded:
            inputs = tuple(folded.get(source, source) for source in node.inputs)
            node = replace(node, inputs=inputs)
            nodes[name] = (
                _with_bias(node, [nodes[source] for source in inputs])
                if name in takers
                else node
            )
    rows = [_path(row, folded) for row in graph.rows]
    outputs = tuple(
        replace(output, node=folded.get(output.node, output.node))
        for output in graph.outputs
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
    calls: dict[str, set[str]] = {}
    for node in graph.nodes.values():
        calls.setdefault(node.shares or node.name, set()).add(node.name)

    def others(name: str) -> set[str]:
        return calls[graph.nodes[name].shares or name]

    return {
        norm: source
        for norm, source in pairs.items()
        if {*map(pairs.get, others(norm))} == others(source)
    }


def _with_bias(node: Node, inputs: list[Node]) -> Node:
    if getattr(node.op, "bias", None) != "none":
        return node
    op = node.op.model_copy(update={"bias": "default"})
    cost = op.cost(*(source.shape for source in inputs))
    return replace(node, op=op, cost=replace(cost, params=0) if node.shares else cost)


def _path(path: Path, folded: Mapping[str, str]) -> Path:
    items = [kept for item in path.items if (kept := _item(item, folded))]
    into, out = (folded.get(name, name) for name in (path.input, path.output))
    return replace(
        path,
        input=into,
        output=out,
        equation=_equation(path.equation, folded),
        items=items,
        takes=_streams(path.takes, folded),
        gives=_streams(path.gives, folded),
    )


def _streams(
    streams: Iterable[Stream], folded: Mapping[str, str]
) -> tuple[Stream, ...]:
    return tuple(stream.at(folded.get(stream.node, stream.node)) for stream in streams)


def _equation(equation: Equation | None, folded: Mapping[str, str]) -> Equation | None:
    return equation and replace(
        equation, output=folded.get(equation.output, equation.output)
    )


def _item(item: Item, folded: Mapping[str, str]) -> Item | None:
    """The layer or block; nothing where it was a norm alone."""
    if isinstance(item, Layer):
        nodes = tuple(name for name in item.nodes if name not in folded)
        return replace(item, nodes=nodes) if nodes else None
    return _block(item, folded)


def _block(block: Block, folded: Mapping[str, str]) -> Block:
    paths = [_path(path, folded) for path in block.paths]
    result = next(
        new for new, old in zip(paths, block.paths, strict=True) if old is block.result
    )
    into, out = (folded.get(name, name) for name in (block.input, block.output))
    takes, gives, reads = (
        _streams(streams, folded) for streams in (block.takes, block.gives, block.reads)
    )
    return replace(
        block,
        input=into,
        output=out,
        paths=paths,
        result=result,
        takes=takes,
        gives=gives,
        reads=reads,
    )
