"""Tasks of numbers: those of an image, those of each pixel, or the image itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ...structs import Frozen
from .base import Details, Task, average, exact, mean

LOSSES: dict[str, Callable[..., Tensor]] = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "huber": F.huber_loss,
}


class Units(Frozen):
    """Mean and standard deviation of each number, (numbers,): a net puts out how many deviations it
    is from the mean."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Units:
        """Of targets (n, numbers, …), NaN where none is known; one that never changes only loses
        its mean."""
        rows = exact(values.movedim(1, -1).reshape(-1, values.shape[1]))
        mean = rows.nanmean(0).nan_to_num()
        std = (rows - mean).square().nanmean(0).sqrt()
        # of a constant, rounding leaves a little more than nothing
        std = torch.where(std > 1e-9 * mean.abs(), std, 1.0)
        return cls(mean.float(), std.float())

    def standardized(self, values: Tensor) -> Tensor:
        """Numbers (n, numbers, …) as a net puts them out."""
        mean, std = self._like(values)
        return (values - mean) / std

    def restored(self, values: Tensor) -> Tensor:
        """What a net puts out, in the numbers' own units."""
        mean, std = self._like(values)
        return values * std + mean

    def _like(self, values: Tensor) -> tuple[Tensor, Tensor]:
        shape = (-1, *[1] * (values.ndim - 2))
        mean, std = (
            part.to(values.device).view(shape)
            for part in (self.mean, self.std)
        )
        return mean, std

    def document(self) -> dict[str, list[float]]:
        """As JSON."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Units:
        """From JSON."""
        return cls(
            torch.tensor(document["mean"]), torch.tensor(document["std"])
        )


@dataclass(frozen=True)
class Numbers(Task):
    """Output and target (n, numbers, …) float; `whole` takes all of them for one kind of number.
    The target is in its own units, which the output is without where there are `units`."""

    numbers: int
    kind: Literal["mse", "l1", "huber"] = "mse"
    whole: bool = False
    units: Units | None = None

    @property
    def width(self) -> int:
        """Of each number: squared errors, targets, squared targets, and how many."""
        return 4 * self.numbers

    def plain(self) -> Numbers:
        """Itself."""
        return self

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over all numbers."""
        target = self._wanted(output, target)
        known = self.known(target)
        every = LOSSES[self.kind](
            output, target.nan_to_num(), reduction="none"
        )
        return mean((every * known).sum(), known.sum())

    def sums(self, output: Tensor, target: Tensor) -> Tensor:
        """Squared errors, targets, squared targets and counts, a row each."""
        target = self._wanted(output, target)
        known = self._rows(self.known(target))
        wanted = exact(self._rows(target.nan_to_num()))
        off = exact(self._rows(output)) - wanted
        parts = (
            off.square(),
            wanted,
            wanted.square(),
            torch.ones_like(wanted),
        )
        return torch.cat([(part * known).sum(0) for part in parts])

    def _wanted(self, output: Tensor, target: Tensor) -> Tensor:
        target = target.view_as(output)
        return self.units.standardized(target) if self.units else target

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
            for one, whole in zip(
                left.tolist(), every.tolist(), strict=True
            )
        ]
        return 100 * average(shares)

    def details(self, sums: Tensor, count: float) -> Details:
        """The root of the mean squared error, in the numbers' own units."""
        every = exact(sums).view(4, -1)[0]
        left = float(
            (every * self.units.std.square() if self.units else every).sum()
        )
        return (("RMSE", (left / max(1.0, count)) ** 0.5),)
