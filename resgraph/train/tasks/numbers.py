"""Tasks of numbers: those of an image, those of each pixel, or the image itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Details, Task, average, exact, mean

LOSSES: dict[str, Callable[..., Tensor]] = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "huber": F.huber_loss,
}


@dataclass(frozen=True)
class Numbers(Task):
    """Output and target (n, numbers, …) float; `whole` takes all of them for one kind of
    number."""

    numbers: int
    kind: Literal["mse", "l1", "huber"] = "mse"
    whole: bool = False

    @property
    def width(self) -> int:
        """Of each number: squared errors, targets, squared targets, and how many."""
        return 4 * self.numbers

    def plain(self) -> Numbers:
        """Itself."""
        return self

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over all numbers."""
        target = target.view_as(output)
        known = self.known(target)
        every = LOSSES[self.kind](output, target.nan_to_num(), reduction="none")
        return mean((every * known).sum(), known.sum())

    def count(self, target: Tensor) -> Tensor:
        """The numbers."""
        return self.known(target).sum()

    def sums(self, output: Tensor, target: Tensor) -> Tensor:
        """Squared errors, targets, squared targets and counts, a row each."""
        target = target.view_as(output)
        known = self._rows(self.known(target))
        wanted = exact(self._rows(target.nan_to_num()))
        off = exact(self._rows(output)) - wanted
        parts = (off.square(), wanted, wanted.square(), torch.ones_like(wanted))
        return torch.cat([(part * known).sum(0) for part in parts])

    def _rows(self, values: Tensor) -> Tensor:
        """(…, numbers)."""
        if self.whole:
            return values.reshape(-1, 1)
        return values.movedim(1, -1).reshape(-1, self.numbers)

    def error(self, sums: Tensor, count: float) -> float:
        """The mean over the numbers of the variance that is left, of all there is: 100 is what the
        mean of all targets would get, and more is worse than that."""
        left, total, square, each = exact(sums).view(4, -1)
        every = square - total.square() / each.clamp_min(1)
        shares = [
            one / whole if whole > 0 else float(one > 0)
            for one, whole in zip(left.tolist(), every.tolist(), strict=True)
        ]
        return 100 * average(shares)

    def details(self, sums: Tensor, count: float) -> Details:
        """The root of the mean squared error."""
        left = float(exact(sums).view(4, -1)[0].sum())
        return (("RMSE", (left / max(1.0, count)) ** 0.5),)
