"""A plan's graph, followed node by node: what a module must come to, whatever its source makes of
rows and blocks."""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resgraph.graph import Node
from resgraph.plan import Plan

_SIGNS = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
_WORDS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}


def followed(net: Plan, made: nn.Module, images: Tensor) -> Tensor:
    """The output of a graph whose layers are the module's, each asked by its name, and whose
    equations are done here.

    Each node is given a copy of what it reads, so that one which writes over its input disturbs no
    other."""
    layers = dict(made.named_modules())
    values = {net.graph.input: images}
    for node in net.graph.nodes.values():
        if node.name != net.graph.input:
            read = [values[name].clone() for name in node.inputs]
            values[node.name] = (
                _layer(layers[node.name], read[0])
                if node.name in layers
                else _equation(node, read)
            )
    return values[net.graph.output]


def _layer(layer: nn.Module, read: Tensor) -> Tensor:
    """What a layer alone makes of its input: a linear one may hold the activation behind it, which
    is another node."""
    alone = isinstance(layer, nn.Linear) and any(layer.children())
    return F.linear(read, layer.weight, layer.bias) if alone else layer(read)


def _equation(node: Node, read: list[Tensor]) -> Tensor:
    op = node.op
    if op.op == "concat":
        return torch.cat(read, 1)
    if op.op == "leaky relu":
        return F.leaky_relu(read[0], op.slope)
    if op.op not in _SIGNS:
        return (_WORDS.get(op.op) or getattr(F, op.op))(read[0])
    if any(value.ndim == 4 for value in read):
        read = [value[:, :, None, None] if value.ndim == 2 else value for value in read]
    terms = [getattr(op, "left", None), *read, getattr(op, "right", None)]
    return reduce(
        _SIGNS[op.op], [torch.as_tensor(term) for term in terms if term is not None]
    )
