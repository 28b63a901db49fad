"""The torch side of `corner pad` and `gem pool`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CornerPad(nn.Module):
    """Zero cells below and to the right of a map."""

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.cells = cells

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) → the same, `cells` higher and wider."""
        return F.pad(x, (0, self.cells, 0, self.cells))


class GemPool(nn.Module):
    """The generalized mean of each channel over the map, (mean of x**p)**(1/p) of x held above 0:
    the average at p = 1, the largest as p grows; p is learned (Radenović et al. 2019, arXiv
    1711.02512, section 3.2)."""

    def __init__(self, start: float = 3.0) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor([start]))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) → (batch, channels)."""
        powers = x.clamp(min=1e-6) ** self.p
        return powers.mean((2, 3)) ** (1 / self.p)
