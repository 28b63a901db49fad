"""Graph → the nodes that come out in the low precision wherever autocast is on, and so are all of
one dtype.

Said is only what holds on every device: on CUDA `gn`, `ln`, `softmax` and `softplus` give float32,
on the CPU some of them do not. An op that multiplies by learned numbers, as `scale`, gives the
wider dtype of the two."""

from __future__ import annotations

from ..graph import Graph

LOWERED = frozenset(["conv", "depthwise conv", "up conv", "blur pool", "fc"])
"""Ops that compute in the dtype of autocast, whatever comes in."""
KEPT = frozenset([
    "bn", "relu", "relu6", "leaky relu", "gelu", "silu", "sigmoid", "tanh", "hardswish",
    "hardsigmoid", "max pool", "avg pool", "global avg pool", "global max pool", "pad",
    "zero-pad", "part", "flatten", "dropout", "drop path", "add", "sub", "mul", "div", "concat",
])  # fmt: skip
"""Ops that compute in the dtype that comes in."""


def low_precision(graph: Graph) -> frozenset[str]:
    """Names of the nodes whose dtype under autocast is surely autocast's own, by PyTorch's autocast
    op reference."""
    found: set[str] = set()
    for name, node in graph.nodes.items():
        if node.op.op in LOWERED or (
            node.op.op in KEPT and found.issuperset(node.inputs)
        ):
            found.add(name)
    return frozenset(found)
