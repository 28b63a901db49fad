"""What paths of blocks are called: by the modules that they are, where those say something; each
case is proven equal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module


class _Inception(nn.Module):
    """Szegedy et al. 2015, Figure 5, as torchvision has it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch1x1 = nn.Conv2d(width, 8, 1)
        self.branch5x5_1 = nn.Conv2d(width, 6, 1)
        self.branch5x5_2 = nn.Conv2d(6, 8, 5, padding=2)
        self.branch_pool = nn.Conv2d(width, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.branch_pool(F.avg_pool2d(x, 3, 1, 1))
        five = self.branch5x5_2(self.branch5x5_1(x))
        return torch.cat(
            [self.branch1x1(x), five, pooled, F.max_pool2d(x, 3, 1, 1)], 1
        )


class Layers(nn.Module):
    """Attributes that say no more than what they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            nn.Conv2d(width, 8, 1),
            nn.Conv2d(width, 8, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv1(x), self.conv2(x)], 1)


class Attention(nn.Module):
    """What is summed is the body, though another path is longer (Tang et al. 2022, Figure 4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.primary = nn.Conv2d(width, width, 3, 1, 1)
        self.mixer = nn.Module()
        self.mixer.short = nn.Sequential(
            nn.Conv2d(width, width, (1, 5), padding=(0, 2)),
            nn.Conv2d(width, width, (5, 1), padding=(2, 0)),
            nn.Sigmoid(),
        )
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        own = self.primary(x)
        return self.last(own * self.mixer.short(own + x)) + x


INCEPTION = """
  Inception:
    branch1x1:   1x1 conv 8
    branch5x5:   [1x1 conv 6, 5x5 conv 8]
    branch_pool: [3x3 avg pool, 1x1 conv 4]
    pool:        3x3 max pool
    merge:       concat(branch1x1 branch5x5 branch_pool pool)
"""
LAYERS = """
  Layers:
    p0:    1x1 conv out/2
    p1:    3x3 conv out/2
    merge: concat(p0 p1)
"""
ATTENTION = """
  Attention:
    primary: 3x3 conv in
    mixer:   [primary + x, 1x5 conv in, 5x1 conv in sigmoid]
    body:    [primary*mixer, 1x1 conv in]
    merge:   body + x
"""


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ((_Inception(12), _Inception(32)), INCEPTION),
        ((Layers(12), Layers(16)), LAYERS),
        ((Attention(12), Attention(12)), ATTENTION),
    ],
    ids=["branches", "layers", "summed"],
)
def test_a_path_is_called_as_its_module(
    blocks: tuple[nn.Module, ...], said: str
) -> None:
    net = nn.Sequential(nn.Conv2d(3, 12, 3, 2), *blocks)
    found = from_module(net, (3, 17, 17))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert said in found.text, found.text


def test_widths_that_are_joined_are_numbers_where_they_are_one_block() -> (
    None
):
    """As the paper has them: of what comes out, a sum, they are no share."""
    net = nn.Sequential(
        nn.Conv2d(3, 12, 3, 2), _Inception(12), nn.Conv2d(32, 8, 1)
    )
    found = from_module(net, (3, 17, 17))
    assert INCEPTION in found.text and "row2: Inception\n" in found.text, (
        found.text
    )
