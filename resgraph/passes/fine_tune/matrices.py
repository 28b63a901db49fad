"""A graph → the layers whose weights an optimizer may take for matrices (Muon): convolutions and
fully connected layers, but for the last one before each output.

Those of the outputs are left out as in Jordan et al. 2024, with everything that is no matrix."""

from __future__ import annotations

from operator import attrgetter

from ...graph import Graph
from ...ops.base import Op
from ...ops.dense import Fc
from ...ops.window import Conv, DepthwiseConv, UpConv

MATRICES: tuple[type[Op], ...] = (Conv, DepthwiseConv, UpConv, Fc)


def output_layers(graph: Graph) -> frozenset[str]:
    """The last layer that learns before each output, by the name that its weights have."""
    learns = attrgetter("learns")
    return frozenset(
        graph.back_to(end, learns).module for end in graph.ends
    )


def matrix_layers(graph: Graph) -> frozenset[str]:
    """The names of these layers."""
    last = output_layers(graph)
    return frozenset(
        node.name
        for node in graph.nodes.values()
        if isinstance(node.op, MATRICES)
        and node.cost.params
        and node.name not in last
    )
