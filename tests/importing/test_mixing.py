"""Nets that mix the places of a sequence by a linear layer, as they are written in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing import Imported

WIDTH, PLACES = 6, 16


def mlp(width: int, inner: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width)
    )


class MixerBlock(nn.Module):
    """Tolstikhin et al. 2021, Figure 1."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.places, self.channels = mlp(PLACES, 8), mlp(WIDTH, 4 * WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.places(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class GatingUnit(nn.Module):
    """Liu et al. 2021 (gMLP), Figure 1."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.into = (
            nn.LayerNorm(WIDTH),
            nn.Linear(WIDTH, 2 * WIDTH),
        )
        self.own, self.mix = nn.LayerNorm(WIDTH), nn.Linear(PLACES, PLACES)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        u, v = self.into(self.norm(x)).chunk(2, -1)
        v = self.mix(self.own(v).transpose(1, 2)).transpose(1, 2)
        return x + self.out(u * v)


class ResBlock(nn.Module):
    """Touvron et al. 2021 (ResMLP), Figure 1: an affine layer for a norm, a scale behind."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha, self.scale = (
            nn.Parameter(torch.ones(WIDTH)) for _ in range(2)
        )
        self.beta = nn.Parameter(torch.zeros(WIDTH))
        self.mix = nn.Linear(PLACES, PLACES)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.addcmul(self.beta, self.alpha, x)
        return x + self.scale * self.mix(y.transpose(1, 2)).transpose(1, 2)


class Normed(nn.Module):
    """A norm right behind what mixes places, without a sum between."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.norm = nn.Linear(PLACES, 9), nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.mix(x.transpose(1, 2)).transpose(1, 2))


class Net(nn.Module):
    """Patches in a row, blocks, their mean."""

    def __init__(self, block: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 4, 4)
        self.blocks = nn.Sequential(*(block() for _ in range(2)))
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.stem(x).flatten(2).transpose(1, 2))
        return self.head(x.mean(1))


def imported(net: nn.Module, size: int = 16) -> Imported:
    found = from_module(net, (3, size, size))
    proof = found.proof
    assert proof.output is not None and proof.output < 1e-12
    assert proof.gradients is not None and proof.gradients < 1e-7
    return found


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (
            MixerBlock,
            "[ln, transpose, 1 conv 8, 1 conv 16 linear, transpose]",
        ),
        (GatingUnit, "[part 1 of 2, ln, transpose, 1 conv 16, transpose]"),
        (
            ResBlock,
            "[scale shift 0, transpose, 1 conv 16, transpose, scale]",
        ),
    ],
)
def test_a_linear_layer_over_places(
    block: Callable[[], nn.Module], said: str
) -> None:
    found = imported(Net(block))
    assert said in found.text and "positions]" in found.text, found.text
    assert found.plan.params == sum(
        p.numel() for p in Net(block).parameters()
    )


def test_a_norm_behind_it() -> None:
    """The first block makes 9 places of 16, and the second reads as many as there are."""
    net = Net(Normed)
    net.blocks[1].mix = nn.Linear(9, 4)
    text = imported(net).text
    assert "[transpose, 1 conv width, transpose, ln]" in text, text


class Grid(nn.Module):
    """A mixer whose sequence becomes a map again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, WIDTH, 4, 4), MixerBlock()
        self.last = nn.Conv2d(WIDTH, 5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(self.stem(x).flatten(2).transpose(1, 2))
        return self.last(x.transpose(1, 2).reshape(-1, WIDTH, 4, 4))


def test_a_sequence_becomes_a_map() -> None:
    text = imported(Grid()).text
    assert "to 4x4, 3x3 conv 5 pad 0" in text, text


class Scaled(nn.Module):
    """The sum of a map's cells in a row and of what reads them, as CAFormer's (Yu et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = (
            nn.Conv2d(3, WIDTH, 4, 4),
            nn.Linear(WIDTH, WIDTH),
        )
        self.scale = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        return (x * self.scale + self.body(x)).mean(1)


def test_cells_in_a_row_are_a_map_still() -> None:
    text = imported(Scaled()).text
    assert "positions" not in text and "pre:   scale\n" in text, text
