"""A `Call` of an op → the live torch module, made without the code that writes source."""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from resgraph.ops import Call, Op, Shape
from resgraph.outputs.pytorch import layers

from .small import layers as small_layers


def target(call: Call) -> type[nn.Module]:
    """The class that a call names."""
    space, _, name = call.target.rpartition(".")
    rooms = {"nn": nn, "": layers, "small.layers": small_layers}
    return getattr(rooms[space], name)  # type: ignore[no-any-return]


def module(op: Op, *shapes: Shape) -> nn.Module:
    """What an op's call makes."""
    call = op.torch(*shapes)
    return target(call)(*call.args, **dict(call.kwargs))


def numbers(shape: Shape, batch: int = 2, seed: int = 0) -> torch.Tensor:
    """A batch of numbers, no two alike."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(batch * prod(shape), generator=generator)
    return (
        (order.double() / order.numel() * 4 - 2).reshape(batch, *shape).requires_grad_()
    )
