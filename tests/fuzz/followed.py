"""A plan's graph, followed node by node: what a module must come to, whatever its source makes of
rows and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resgraph.ops import Op
from resgraph.ops.function import Among, Over, Pointwise
from resgraph.plan import Plan

_SIGNS = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
}
_OVER = {"mean": torch.mean, "max": torch.amax, "min": torch.amin}
_WORDS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}


def followed(
    net: Plan, made: nn.Module, images: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """The outputs of a graph whose layers are the module's, each asked by its name, and whose
    equations are done here.

    Each node is given a copy of what it reads, so that one which writes over its input disturbs no
    other."""
    layers = dict(made.named_modules())
    values = dict(zip(net.graph.inputs, images, strict=True))
    for node in net.graph.nodes.values():
        if node.name in values or node.name in net.graph.training_only:
            continue
        read = [values[name].clone() for name in node.inputs]
        layer = layers.get(node.shares or node.name)
        values[node.name] = (
            _layer(layer, read) if layer else _equation(node.op, read)
        )
    return tuple(values[output.node] for output in net.graph.main)


def _layer(layer: nn.Module, read: list[Tensor]) -> Tensor:
    """What a layer alone makes of its inputs: a linear one may hold the activation behind it, which
    is another node."""
    alone = isinstance(layer, nn.Linear) and any(layer.children())
    out: Tensor = (
        F.linear(*read, layer.weight, layer.bias) if alone else layer(*read)
    )
    return out


def _equation(op: Op, read: list[Tensor]) -> Tensor:
    if isinstance(op, Over):
        axes = (
            (1,) if op.over == "channels" else tuple(range(2, read[0].ndim))
        )
        return _OVER[op.op](read[0], axes, keepdim=op.over == "channels")
    if isinstance(op, Among):
        return _OVER[op.op](torch.stack(read), 0)
    if isinstance(op, Pointwise):
        return getattr(torch, op.op)(read[0])
    if op.op == "concat":
        return torch.cat(read, 1)
    if op.op == "leaky relu":
        return F.leaky_relu(read[0], op.slope)
    if op.op not in _SIGNS:
        return (_WORDS.get(op.op) or getattr(F, op.op))(read[0])
    axes = max(value.ndim for value in read) - 2
    read = [
        value.reshape(*value.shape, *(1,) * axes)
        if value.ndim == 2
        else value
        for value in read
    ]
    terms = [getattr(op, "left", None), *read, getattr(op, "right", None)]
    return reduce(
        _SIGNS[op.op],
        [torch.as_tensor(term) for term in terms if term is not None],
    )
