"""A pool that a shortcut shares with what stands behind its block, as DLA's; proven equal."""

from __future__ import annotations

import torch
from small import conv_bn
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module


class Tree(nn.Module):
    """Yu et al. 2018: two blocks and a root, which reads what the first shortcut is made of."""

    def __init__(
        self, into: int, width: int, *, pools_twice: bool = False
    ) -> None:
        super().__init__()
        self.one, self.two = (
            conv_bn(into, width, stride=2),
            conv_bn(width, width),
        )
        self.three, self.four = conv_bn(width, width), conv_bn(width, width)
        self.project, self.root = conv_bn(into, width, 1), conv_bn(2 * width + into, width, 1)  # fmt: skip
        self.pools_twice = pools_twice

    def forward(self, x: Tensor) -> Tensor:
        low = F.max_pool2d(x, 2, 2)
        again = F.max_pool2d(x, 2, 2) if self.pools_twice else low
        first = F.relu(self.two(F.relu(self.one(x))) + self.project(low))
        second = F.relu(self.four(F.relu(self.three(first))) + first)
        return F.relu(self.root(torch.cat([second, first, again], 1)))


class Beside(nn.Module):
    """Two convolutions of a pool that are joined, one of them summed with its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = conv_bn(8, 8, 1), conv_bn(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        low = F.max_pool2d(x, 2, 2)
        return torch.cat([self.one(low), self.two(low)], 1)


def written(*parts: nn.Module) -> str:
    model = nn.Sequential(
        conv_bn(3, 8), nn.ReLU(), *parts, nn.LazyConv2d(4, 1)
    )
    model(torch.zeros(2, 3, 32, 32))
    found = from_module(model, (3, 32, 32))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


def test_a_shortcut_has_its_own_pool() -> None:
    text = written(Tree(8, 16), Tree(16, 32))
    assert "shortcut: [max pool /stride, 1x1 conv out linear]" in text, text
    assert (
        "body:  basic out /stride" in text and "[body, basic out]" in text
    ), text


def test_it_is_said_as_where_the_model_pools_twice() -> None:
    one, two = (
        written(Tree(8, 16, pools_twice=twice)) for twice in (False, True)
    )
    assert one == two


def test_a_pool_without_a_shortcut_is_one() -> None:
    assert written(Beside()).count("max pool") == 1


class Low(nn.Module):
    """A stage that begins with a pool, and a join with what came in: both paths of its block rest on
    the pool."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = conv_bn(8, 16), conv_bn(16, 16)
        self.project = conv_bn(8, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        low = F.max_pool2d(x, 2, 2)
        made = F.relu(self.two(F.relu(self.one(low))) + self.project(low))
        return torch.cat([F.interpolate(made, scale_factor=2), x], 1)


def test_a_pool_before_a_block_stays_before_it() -> None:
    text = written(Low())
    assert (
        text.count("max pool") == 1 and "[max pool /2, basic 2*in" in text
    ), text
