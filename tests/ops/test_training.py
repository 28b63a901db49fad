"""In training mode each later op gives what a plain reading of its definition gives, with the same gradients of what
comes in and of what it learns, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resgraph.ops import (
    LATER,
    VOCABULARY,
    BlurPool,
    DepthToSpace,
    DropBlock,
    GeluTanh,
    Grn,
    InstanceNorm,
    Op,
    PixelShuffle,
    PixelUnshuffle,
    PRelu,
    QuickGelu,
    RmsNorm,
    Shape,
    SpaceToDepth,
)

from .build import module, numbers

MAP, VECTOR = (8, 5, 6), (8,)
Reference = Callable[..., Tensor]


class Case(NamedTuple):
    """An op, what comes in, and its definition over the input and what it learns."""

    op: Op
    x: Shape
    reference: Reference

    def name(self) -> str:
        return f"{self.op.label()} on {len(self.x)} axes"


def per_channel(weight: Tensor, x: Tensor) -> Tensor:
    return weight.reshape(-1, *(1,) * (x.dim() - 2))


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x > 0, x, per_channel(slope, x) * x)


def instance_norm(x: Tensor, *learned: Tensor) -> Tensor:
    mean = x.mean((2, 3), keepdim=True)
    y = (x - mean) / ((x - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
    return y * per_channel(learned[0], x) + per_channel(learned[1], x) if learned else y


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    root = (x.square().sum(1, keepdim=True) / x.shape[1] + 1e-6).sqrt()
    return x / root * per_channel(weight, x)


def grn(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    response = x.square().sum((2, 3), keepdim=True).sqrt()
    share = response / (response.mean(1, keepdim=True) + 1e-6)
    return per_channel(weight, x) * x * share + per_channel(bias, x) + x


def gelu_tanh(x: Tensor) -> Tensor:
    return x / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


def blur(x: Tensor) -> Tensor:
    row = torch.tensor([1.0, 2, 1], dtype=x.dtype) / 4
    padded = F.pad(x, (1, 1, 1, 1))
    down = sum(row[k] * padded[:, :, k : k + x.shape[2] : 2] for k in range(3))
    assert isinstance(down, Tensor)
    across = sum(row[k] * down[..., k : k + x.shape[3] : 2] for k in range(3))
    assert isinstance(across, Tensor)
    return across


def drop_block(x: Tensor) -> Tensor:
    """Seeds are drawn in torch's order; each drops the 3x3 square of which it is the first cell."""
    height, width = x.shape[2:]
    gamma = 0.3 * height * width / (9 * (height - 2) * (width - 2))
    seeds = torch.empty(*x.shape[:2], height - 2, width - 2, dtype=x.dtype)
    kept = torch.ones_like(x)
    for image, channel, row, column in seeds.bernoulli_(gamma).nonzero().tolist():
        kept[image, channel, row : row + 3, column : column + 3] = 0
    return x * kept * kept.numel() / kept.sum()


def shuffled(x: Tensor) -> Tensor:
    """Shi et al. 2016, equation 4."""
    y = x.new_zeros(x.shape[0], x.shape[1] // 4, 2 * x.shape[2], 2 * x.shape[3])
    for down in (0, 1):
        for across in (0, 1):
            y[:, :, down::2, across::2] = x[:, 2 * down + across :: 4]
    return y


def blockwise(x: Tensor) -> Tensor:
    """The same with the channels of each cell together."""
    parts = x.chunk(4, 1)
    return shuffled(torch.stack(parts, 2).flatten(1, 2))


def unshuffled(x: Tensor) -> Tensor:
    cells = [x[:, :, down::2, across::2] for down in (0, 1) for across in (0, 1)]
    return torch.stack(cells, 2).flatten(1, 2)


def cells_together(x: Tensor) -> Tensor:
    return torch.cat(
        [x[:, :, down::2, across::2] for down in (0, 1) for across in (0, 1)], 1
    )


EVEN = (8, 4, 6)
CASES = [
    Case(PRelu(), MAP, prelu),
    Case(PRelu(start=0.1), VECTOR, prelu),
    Case(PRelu(shared=True), MAP, prelu),
    Case(GeluTanh(), MAP, gelu_tanh),
    Case(QuickGelu(), MAP, lambda x: x / (1 + (-1.702 * x).exp())),
    Case(InstanceNorm(), MAP, instance_norm),
    Case(InstanceNorm(affine=True), MAP, instance_norm),
    Case(RmsNorm(), MAP, rms_norm),
    Case(RmsNorm(), VECTOR, rms_norm),
    Case(Grn(), MAP, grn),
    Case(BlurPool(stride=2, zeros=True), MAP, blur),
    Case(DropBlock(rate=0.3, size=3), MAP, drop_block),
    Case(PixelShuffle(factor=2), MAP, shuffled),
    Case(DepthToSpace(factor=2, blockwise=True), MAP, blockwise),
    Case(PixelUnshuffle(factor=2), EVEN, unshuffled),
    Case(SpaceToDepth(factor=2, blockwise=True), EVEN, cells_together),
]


def test_every_later_op_has_a_case() -> None:
    assert {VOCABULARY[word] for word in LATER} <= {type(case.op) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=Case.name)
def test_outputs_and_gradients_are_those_of_the_definition(case: Case) -> None:
    made, x = module(case.op, case.x).double().train(), numbers(case.x)
    learned = list(made.parameters())
    with torch.no_grad():
        for place, weight in enumerate(learned):
            weight.copy_(numbers(tuple(weight.shape), batch=1, seed=place)[0] + 0.3)
    torch.manual_seed(0)
    ours = made(x)
    torch.manual_seed(0)
    theirs = case.reference(x, *learned)
    assert torch.allclose(
        ours, theirs, rtol=1e-9, atol=1e-6 if "drop" in case.op.op else 1e-12
    )
    given = numbers(tuple(ours.shape[1:]), seed=9)
    gradients = [
        torch.autograd.grad((out * given).sum(), [x, *learned])
        for out in (ours, theirs)
    ]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(
            one, other, rtol=1e-9, atol=1e-6 if "drop" in case.op.op else 1e-12
        )
    assert not list(made.buffers()) or case.op.op == "blur pool", (
        "nothing is kept of a batch"
    )
