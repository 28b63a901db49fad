"""In training mode each later op gives what a plain reading of its definition gives, with the same gradients of what
comes in and of what it learns, in float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resgraph.ops import (
    LATER,
    VOCABULARY,
    BlurPool,
    ChannelDropout,
    DepthToSpace,
    DepthwiseConv,
    DropBlock,
    EvoNorm,
    GeluTanh,
    Grn,
    InstanceNorm,
    LayerNorm,
    LogSoftmax,
    Op,
    PixelShuffle,
    PixelUnshuffle,
    PRelu,
    QuickGelu,
    RmsNorm,
    Scale,
    Shape,
    SpaceToDepth,
    ZeroPad,
)
from resgraph.ops.activation import CellSoftmax
from resgraph.ops.attention import (
    Attention,
    Position,
    Positions,
    TakeToken,
    To,
    Token,
    TokenMean,
    Transpose,
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
    y = (x - mean) / (
        (x - mean).square().mean((2, 3), keepdim=True) + 1e-5
    ).sqrt()
    return (
        y * per_channel(learned[0], x) + per_channel(learned[1], x)
        if learned
        else y
    )


def scaled_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Ba et al. 2016, equation 4, without its bias."""
    centred = x - x.sum(1, keepdim=True) / x.shape[1]
    variance = centred.square().sum(1, keepdim=True) / x.shape[1]
    return centred / (variance + 1e-5).sqrt() * per_channel(weight, x)


def evonorm(x: Tensor, weight: Tensor, bias: Tensor, *v: Tensor) -> Tensor:
    """Liu et al. 2020, Table 3, S0: over each two of eight channels."""
    swish = x / (1 + (-per_channel(v[0], x) * x).exp()) if v else x
    groups = []
    for part in x.split(2, 1):
        centred = part - part.mean((1, 2, 3), keepdim=True)
        variance = centred.square().mean((1, 2, 3), keepdim=True)
        groups.append((variance + 1e-5).sqrt().expand_as(part))
    return swish / torch.cat(groups, 1) * per_channel(
        weight, x
    ) + per_channel(bias, x)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    root = (x.square().sum(1, keepdim=True) / x.shape[1] + 1e-6).sqrt()
    return x / root * per_channel(weight, x)


def scaled(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return per_channel(weight, x) * x + per_channel(bias, x)


def grn(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    response = x.square().sum((2, 3), keepdim=True).sqrt()
    share = response / (response.mean(1, keepdim=True) + 1e-6)
    return per_channel(weight, x) * x * share + per_channel(bias, x) + x


def gelu_tanh(x: Tensor) -> Tensor:
    return (
        x
        / 2
        * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
    )


def mixed(x: Tensor, *filters: Tensor) -> Tensor:
    """Tan & Le 2019, equation 1, of eleven channels: five, three and three."""
    weights = [weight[0] for each in filters for weight in each]
    assert [len(weight) for weight in weights] == [3] * 5 + [5] * 3 + [
        7
    ] * 3
    channels = []
    for channel, weight in zip(x.unbind(1), weights, strict=True):
        size = len(weight)
        padded = F.pad(channel, (size // 2,) * 4)
        cells = padded.unfold(1, size, 1).unfold(2, size, 1)
        channels.append((cells * weight).sum((-2, -1)))
    return torch.stack(channels, 1)


def blur(x: Tensor) -> Tensor:
    row = torch.tensor([1.0, 2, 1], dtype=x.dtype) / 4
    padded = F.pad(x, (1, 1, 1, 1))
    down = sum(
        row[k] * padded[:, :, k : k + x.shape[2] : 2] for k in range(3)
    )
    assert isinstance(down, Tensor)
    across = sum(
        row[k] * down[..., k : k + x.shape[3] : 2] for k in range(3)
    )
    assert isinstance(across, Tensor)
    return across


def drop_block(x: Tensor) -> Tensor:
    """Seeds are drawn in torch's order; each drops the 3x3 square of which it is the first cell."""
    height, width = x.shape[2:]
    gamma = 0.3 * height * width / (9 * (height - 2) * (width - 2))
    seeds = torch.empty(*x.shape[:2], height - 2, width - 2, dtype=x.dtype)
    kept = torch.ones_like(x)
    for image, channel, row, column in (
        seeds.bernoulli_(gamma).nonzero().tolist()
    ):
        kept[image, channel, row : row + 3, column : column + 3] = 0
    return x * kept * kept.numel() / kept.sum()


def channel_dropout(x: Tensor) -> Tensor:
    """One draw for each channel of each image; what is left is divided by the rate of what is kept."""
    kept = torch.empty(*x.shape[:2], dtype=x.dtype).bernoulli_(0.7)
    return torch.einsum("nc,nc...->nc...", kept, x) / 0.7


def centered(x: Tensor) -> Tensor:
    return torch.cat([0 * x[:, :1], x, 0 * x[:, :2]], 1)


def log_softmax(x: Tensor) -> Tensor:
    return x - x.exp().sum(1, keepdim=True).log()


def cell_softmax(x: Tensor) -> Tensor:
    return x.exp() / x.exp().sum((2, 3), keepdim=True)


def shuffled(x: Tensor) -> Tensor:
    """Shi et al. 2016, equation 4."""
    y = x.new_zeros(
        x.shape[0], x.shape[1] // 4, 2 * x.shape[2], 2 * x.shape[3]
    )
    for down in (0, 1):
        for across in (0, 1):
            y[:, :, down::2, across::2] = x[:, 2 * down + across :: 4]
    return y


def blockwise(x: Tensor) -> Tensor:
    """The same with the channels of each cell together."""
    parts = x.chunk(4, 1)
    return shuffled(torch.stack(parts, 2).flatten(1, 2))


def unshuffled(x: Tensor) -> Tensor:
    cells = [
        x[:, :, down::2, across::2] for down in (0, 1) for across in (0, 1)
    ]
    return torch.stack(cells, 2).flatten(1, 2)


def cells_together(x: Tensor) -> Tensor:
    return torch.cat(
        [
            x[:, :, down::2, across::2]
            for down in (0, 1)
            for across in (0, 1)
        ],
        1,
    )


def attention(x: Tensor, *distances: Tensor, heads: int) -> Tensor:
    """Query by query, head by head; the distances are those down, then those across."""
    parts = x.shape[1] // 3
    width, size = parts // heads, x.shape[2:]
    cells = [divmod(place, size[-1]) for place in range(size.numel())]
    out = torch.zeros(x.shape[0], parts, size.numel(), dtype=x.dtype)
    flat = x.flatten(2)
    for head in range(heads):
        q, k, v = (
            flat[:, part * parts + head * width :][:, :width]
            for part in range(3)
        )
        for here, (row, column) in enumerate(cells):
            weights = (q[:, :, here, None] * k).sum(1) / width**0.5
            for down, across in [distances] if distances else []:
                said = [
                    down[r - row + size[0] - 1]
                    + across[c - column + size[1] - 1]
                    for r, c in cells
                ]
                weights = weights + (
                    q[:, :, here, None] * torch.stack(said, 1)
                ).sum(1)
            share = weights.exp() / weights.exp().sum(1, keepdim=True)
            out[:, head * width : (head + 1) * width, here] = (
                v * share[:, None]
            ).sum(2)
    return out.reshape(x.shape[0], parts, *size)


def position(x: Tensor, weight: Tensor) -> Tensor:
    return x + weight.permute(-1, *range(weight.dim() - 1))


def token(x: Tensor, weight: Tensor) -> Tensor:
    first = torch.stack([weight] * x.shape[0])
    return torch.stack([first, *x.unbind(2)], 2)


SEQUENCE = (8, 6)
EVEN = (8, 4, 6)
CASES = [
    Case(PRelu(), MAP, prelu),
    Case(PRelu(start=0.1), VECTOR, prelu),
    Case(PRelu(shared=True), MAP, prelu),
    Case(GeluTanh(), MAP, gelu_tanh),
    Case(QuickGelu(), MAP, lambda x: x / (1 + (-1.702 * x).exp())),
    Case(InstanceNorm(), MAP, instance_norm),
    Case(InstanceNorm(affine=True), MAP, instance_norm),
    Case(EvoNorm(groups=4), MAP, evonorm),
    Case(EvoNorm(groups=4, ungated=True), MAP, evonorm),
    Case(RmsNorm(), MAP, rms_norm),
    Case(RmsNorm(), VECTOR, rms_norm),
    Case(LayerNorm(bias="none"), MAP, scaled_norm),
    Case(LayerNorm(bias="none"), VECTOR, scaled_norm),
    Case(Grn(), MAP, grn),
    Case(BlurPool(stride=2, zeros=True), MAP, blur),
    Case(DepthwiseConv(kernel=3, mixed=3), (11, 5, 6), mixed),
    Case(ZeroPad(width=11, centered=True), MAP, centered),
    Case(LogSoftmax(), MAP, log_softmax),
    Case(CellSoftmax(), MAP, cell_softmax),
    Case(LogSoftmax(), VECTOR, log_softmax),
    Case(ChannelDropout(rate=0.3), MAP, channel_dropout),
    Case(ChannelDropout(rate=0.3), SEQUENCE, channel_dropout),
    Case(DropBlock(rate=0.3, size=3), MAP, drop_block),
    Case(Attention(heads=2), (12, 3, 4), partial(attention, heads=2)),
    Case(Attention(heads=3), (9, 5), partial(attention, heads=3)),
    Case(
        Attention(heads=2, relative=True),
        (12, 3, 4),
        partial(attention, heads=2),
    ),
    Case(Position(), MAP, position),
    Case(Position(), SEQUENCE, position),
    Case(Token(), SEQUENCE, token),
    Case(
        TokenMean(),
        SEQUENCE,
        lambda x: torch.stack([sum(x.unbind(2)) / 6, *x.unbind(2)], 2),
    ),
    Case(TakeToken(), SEQUENCE, lambda x: x.unbind(2)[0]),
    Case(Transpose(), SEQUENCE, lambda x: torch.stack(x.unbind(2), 1)),
    Case(Scale(shift=0), MAP, scaled),
    Case(Scale(shift=0), VECTOR, scaled),
    Case(Positions(), MAP, lambda x: torch.cat(x.unbind(2), 2)),
    Case(
        To(size=(2, 3)), SEQUENCE, lambda x: torch.stack(x.split(3, 2), 2)
    ),
    Case(
        To(size=(2, 2)),
        VECTOR,
        lambda x: torch.stack(
            [
                torch.stack([x[:, c : c + 2], x[:, c + 2 : c + 4]], 1)
                for c in range(0, x.shape[1], 4)
            ],
            1,
        ),
    ),
    Case(PixelShuffle(factor=2), MAP, shuffled),
    Case(DepthToSpace(factor=2, blockwise=True), MAP, blockwise),
    Case(PixelUnshuffle(factor=2), EVEN, unshuffled),
    Case(SpaceToDepth(factor=2, blockwise=True), EVEN, cells_together),
]


def test_every_later_op_has_a_case() -> None:
    assert {VOCABULARY[word] for word in LATER} <= {
        type(case.op) for case in CASES
    }


@pytest.mark.parametrize("case", CASES, ids=Case.name)
def test_outputs_and_gradients_are_those_of_the_definition(
    case: Case,
) -> None:
    made, x = module(case.op, case.x).double().train(), numbers(case.x)
    learned = list(made.parameters())
    with torch.no_grad():
        for place, weight in enumerate(learned):
            weight.copy_(
                numbers(tuple(weight.shape), batch=1, seed=place)[0] + 0.3
            )
    torch.manual_seed(0)
    ours = made(x)
    torch.manual_seed(0)
    theirs = case.reference(x, *learned)
    assert torch.allclose(
        ours,
        theirs,
        rtol=1e-9,
        atol=1e-6 if "drop" in case.op.op else 1e-12,
    )
    given = numbers(tuple(ours.shape[1:]), seed=9)
    gradients = [
        torch.autograd.grad((out * given).sum(), [x, *learned])
        for out in (ours, theirs)
    ]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(
            one,
            other,
            rtol=1e-9,
            atol=1e-6 if "drop" in case.op.op else 1e-12,
        )
    assert not list(made.buffers()) or case.op.op == "blur pool", (
        "nothing is kept of a batch"
    )
