"""What the loop and an evaluation ask of a task: a loss, and sums of which an error is made.

Sums are added up over batches and ranks, so that an error is exact on any number of either, and no
step waits for a number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

Details = tuple[tuple[str, float], ...]
"""Further measures by their names."""
PERCENTAGES = frozenset(["pixel accuracy"])
"""Those of them that are one."""


class Task(ABC):
    """How one output is held against its target."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers that `sums` has."""

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over what counts, and 0 where nothing does."""

    def mixed(
        self, output: Tensor, targets: tuple[Tensor, Tensor], share: float
    ) -> Tensor:
        """The loss where each image is a mixture: `share` of the first target, the rest of the
        other."""
        mine, other = (self.loss(output, target) for target in targets)
        return share * mine + (1 - share) * other

    def count(self, target: Tensor) -> Tensor:
        """Over how many the loss is a mean: images, pixels, numbers."""
        return self.known(target).sum()

    @abstractmethod
    def sums(self, output: Tensor, target: Tensor) -> Tensor:
        """(width,), of a batch."""

    @abstractmethod
    def error(self, sums: Tensor, count: float) -> float:
        """What the score lacks of 1, in percent: 0 is the best."""

    @abstractmethod
    def plain(self) -> Task:
        """The same as an evaluation asks it: without what only training is to learn from."""

    def details(self, sums: Tensor, count: float) -> Details:
        """What else the same sums say."""
        return ()

    def items(self, target: Tensor) -> Tensor:
        """The images of which anything counts."""
        known = self.known(target)
        return known.view(len(known), -1).any(1).sum()

    @staticmethod
    def known(target: Tensor) -> Tensor:
        """Where a target counts."""
        return (
            ~target.isnan() if target.is_floating_point() else target >= 0
        )

    @staticmethod
    def without(target: Tensor, rows: Tensor) -> Tensor:
        """A target (n, …) of which some `rows` (n,) do not count."""
        gone = torch.nan if target.is_floating_point() else -100
        return target.masked_fill(
            rows.view(-1, *[1] * (target.ndim - 1)), gone
        )


def mean(total: Tensor, count: Tensor) -> Tensor:
    """A total over its count, 0 of none."""
    return total / count.clamp_min(1)


def average(values: Sequence[float]) -> float:
    """The plain mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def exact(values: Tensor) -> Tensor:
    """In double precision, where the device has it."""
    return (
        values.float() if values.device.type == "mps" else values.double()
    )
