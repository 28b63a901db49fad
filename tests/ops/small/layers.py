"""The torch side of the ops."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def snake(x: Tensor, rate: float = 2, power: float = 0.5) -> Tensor:
    return x + power * torch.sin(x) ** rate


class Snake(nn.Module):
    def __init__(self, rate: float = 2, power: float = 0.5) -> None:
        super().__init__()
        self.rate, self.power = rate, power

    def forward(self, x: Tensor) -> Tensor:
        return snake(x, self.rate, self.power)


class Frn(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width, 1, 1))
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.least = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        spread = x.pow(2).mean((2, 3), keepdim=True) + 1e-6
        return torch.maximum(
            self.weight * x * spread.rsqrt() + self.bias, self.least
        )
