"""A graph → the layers whose weights an optimizer may take for matrices (Muon): convolutions and
fully connected layers, but for the last one before each output.

Those of the outputs are left out as in Jordan et al. 2024, with everything that is no matrix."""

from __future__ import annotations

from ...graph import Graph
from ...ops.base import Op
from ...ops.dense import Fc
from ...ops.window import Conv, DepthwiseConv, UpConv

MATRICES: tuple[type[Op], ...] = (Conv, DepthwiseConv, UpConv, Fc)


def output_layers(graph: Graph) -> frozenset[str]:
    """The last layer that learns before each output, by the name that its weights have."""
    return frozenset(_learned(graph, output.node) for output in graph.outputs)


def _learned(graph: Graph, name: str) -> str:
    node = graph.nodes[name]
    while not node.cost.params and not node.shares and node.inputs:
        node = graph.nodes[node.inputs[0]]
    return node.shares or node.name


def matrix_layers(graph: Graph) -> frozenset[str]:
    """The names of these layers."""
    last = output_layers(graph)
    return frozenset(
        node.name
        for node in graph.nodes.values()
        if isinstance(node.op, MATRICES) and node.cost.params and node.name not in last
    )
