"""Graph → the parameters that do not start as their layer says: `bias -2`, and `zero_last` of
residual branches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..graph import Block, Graph, Layer, Path, borrows
from ..structs import Frozen
from .residual import branches, sums


class Start(Frozen):
    """A parameter, by its name below the block that it belongs to, and the number that it starts
    with."""

    parameter: str
    value: float


def starts(
    graph: Graph, *, zero_last: bool = False, zero_biases: bool = False
) -> dict[str, tuple[Start, ...]]:
    """The starts by the name of their block, "" for what belongs to no block.

    `zero_biases` says that the biases of convolutions start at 0 anyway.

    With `zero_last` the last norm of each residual branch starts at weight 0 (Goyal et al. 2017,
    section 5.1; where the branch ends in a convolution without one, the convolution), so that each
    block starts as its shortcut."""
    found: dict[str, list[Start]] = defaultdict(list)
    for owner, name, bias in _biases(graph):
        conv = graph.nodes[name].op.family == "conv"
        if not (zero_biases and conv and bias == 0):
            found[owner] += _each(graph, owner, name, "bias", bias)
    for block in graph.own_blocks() if zero_last else ():
        for name in _last_norms(graph, block):
            found[block.name] += _each(
                graph, block.name, name, "weight", 0.0
            )
    return {
        owner: tuple(dict.fromkeys(values))
        for owner, values in found.items()
    }


def _biases(graph: Graph) -> Iterator[tuple[str, str, float]]:
    """The block, the node and the number of each bias that its label sets."""
    for owner, layer in _layers(graph):
        for name in layer.nodes:
            bias = getattr(graph.nodes[name].op, "bias", None)
            if isinstance(bias, float):
                yield owner, name, bias


def _each(
    graph: Graph, owner: str, name: str, parameter: str, value: float
) -> Iterator[Start]:
    """Of all modules that hold the filters of a node."""
    for module in graph.nodes[name].op.owners(name):
        yield Start(_below(owner, f"{module}.{parameter}"), value)


def _below(owner: str, name: str) -> str:
    return name[len(owner) + 1 :] if owner else name


def _layers(graph: Graph) -> Iterator[tuple[str, Layer]]:
    """Every layer with the name of the block that it stands in."""
    stack: list[tuple[str, Path]] = [
        ("", row) for row in reversed(graph.rows)
    ]
    while stack:
        owner, path = stack.pop()
        for item in path.items:
            if borrows(item):
                continue
            if isinstance(item, Layer):
                yield owner, item
            else:
                inner = owner if is_alias(item) else item.name
                stack.extend((inner, path) for path in reversed(item.paths))


def is_alias(block: Block) -> bool:
    """Whether a block is only another name for the one layer or block that it holds."""
    path = block.result
    plain = (
        path.name == block.name
        and not path.listed
        and path.equation is None
    )
    return len(block.paths) == 1 and plain and len(path.items) == 1


def _last_norms(graph: Graph, block: Block) -> Iterator[str]:
    """The node at the end of each residual branch: a term of a sum in which the block's shortcut is
    another term."""
    inside = {*graph.names_of(*block.paths)}
    for node in sums(graph, block):
        for branch in branches(node.inputs, block):
            if last := _last_norm(graph, branch, inside):
                yield last


def _last_norm(graph: Graph, name: str, inside: set[str]) -> str | None:
    """Back from a branch's end to its last norm with weights or convolution; a product is its first
    term, gated."""
    while name in inside:
        node = graph.nodes[name]
        if node.op.family == "conv" or (
            node.op.role == "norm" and node.learns
        ):
            return node.module
        alike = (n for n in node.inputs if graph.shape(n) == node.shape)
        name = next(alike, node.inputs[0])
    return None
