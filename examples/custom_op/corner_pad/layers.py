"""The torch side of `corner pad`."""

from __future__ import annotations

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
