"""Graph and batch → bytes that a training step holds, an estimate before anything runs."""

from __future__ import annotations

from ..collecting import flatten
from ..graph import Graph, Node
from ..structs import Frozen

_KEEP_INPUT = frozenset(
    ["conv", "norm", "dense", "attention", "pool", "activation"]
)


class Memory(Frozen):
    """Bytes: `weights` with gradients and optimizer state; `activations` that the backward pass
    keeps of an image."""

    weights: int
    activations: int
    batch: int

    @property
    def total(self) -> int:
        """Bytes of a step at the batch; workspaces of the framework come on top."""
        return self.weights + self.activations * self.batch


def training_memory(graph: Graph, batch: int, *, width: int = 4) -> Memory:
    """The memory of training with activations of `width` bytes, weights in fp32, and SGD with
    momentum, which keeps a number for each weight."""
    activations = sum(kept_numbers(graph).values()) * width
    return Memory(graph.cost.params * 4 * 3, activations, batch)


def kept_numbers(graph: Graph) -> dict[str, int]:
    """How many numbers of an image each node has kept for the backward pass: its output, where
    that is read there, and a copy of what comes in with cells around it, where it makes one."""
    kept = kept_outputs(graph)
    return {
        node.name: node.cost.activations * (node.name in kept)
        + node.op.copied(*graph.shapes_into(node))
        for node in graph.nodes.values()
    }


def kept_outputs(graph: Graph) -> frozenset[str]:
    """The nodes whose outputs are kept from the forward pass to the backward pass."""
    return frozenset(flatten(map(_kept_by, graph.nodes.values())))


def _kept_by(node: Node) -> tuple[str, ...]:
    """Whose outputs a node's backward pass reads: its own or its inputs'; a sum's reads none."""
    if node.op.saves_output:
        return (node.name,)
    keeps = (
        node.op.family in _KEEP_INPUT
        or node.op.gates
        or node.op.keeps_inputs
    )
    return node.values if keeps and not node.op.keeps_copy else ()
