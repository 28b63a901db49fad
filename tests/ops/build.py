"""A `Call` of an op → the live torch module, made without the code that writes source."""

from __future__ import annotations

from functools import cache
from math import prod

import torch
from torch import nn

from resgraph.ops import Call, Op, Shape
from resgraph.outputs.pytorch import layers
from resgraph.outputs.pytorch.support import support_classes

from .small import layers as small_layers


def target(call: Call) -> type[nn.Module]:
    """The class that a call names."""
    space, _, name = call.target.rpartition(".")
    if not space and name not in vars(layers):
        return derived(name)
    rooms = {"nn": nn, "": layers, "small.layers": small_layers}
    return getattr(rooms[space], name)  # type: ignore[no-any-return]


@cache
def derived(name: str) -> type[nn.Module]:
    """A support class whose text is made of another's."""
    made: dict[str, type[nn.Module]] = {}
    definition = support_classes()[name]
    space = vars(layers) | {"__name__": "derived"}
    space |= {
        base: derived(base) for base in definition.bases if "." not in base
    }
    exec(definition.text, space, made)
    return made[name]


def module(op: Op, *shapes: Shape) -> nn.Module:
    """What an op's call makes."""
    call = op.torch(*shapes)
    return target(call)(*call.args, **dict(call.kwargs))


def numbers(shape: Shape, batch: int = 2, seed: int = 0) -> torch.Tensor:
    """A batch of numbers, no two alike."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(batch * prod(shape), generator=generator)
    return (
        (order.double() / order.numel() * 4 - 2)
        .reshape(batch, *shape)
        .requires_grad_()
    )
