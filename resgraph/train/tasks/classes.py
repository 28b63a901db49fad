"""Tasks of classes: one of an image, any number of an image, one of each pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Details, Task, average, exact, mean

BINS, REACH = 4096, 16.0
"""Average precision ranks logits in so many bins from -`REACH` to `REACH`: odds that are within 1 %
of each other are the same."""


@dataclass(frozen=True)
class _OfClasses(Task):
    """What is told of classes: smoothed, and by the weight of each."""

    classes: int
    smoothing: float = 0.0
    weights: Tensor | None = None

    def plain(self) -> Self:
        """Without smoothing and weights."""
        return replace(self, smoothing=0.0, weights=None)

    def _weights(self, output: Tensor) -> Tensor | None:
        """On the device of what they weigh."""
        return (
            None if self.weights is None else self.weights.to(output.device)
        )


@dataclass(frozen=True)
class Classes(_OfClasses):
    """One class of each image: output (n, classes), target (n,) int64."""

    binary: bool = False
    threshold: float | None = None

    @property
    def width(self) -> int:
        """Wrong predictions."""
        return 1

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy; the mean is over the classes too where it is the binary one."""
        if self.binary:
            return self._binary(
                output, target, self._wanted(output, target)
            )
        known = self.known(target)
        weights = self._weights(output)
        total = F.cross_entropy(
            output,
            target,
            weights,
            label_smoothing=self.smoothing,
            ignore_index=-100,
            reduction="sum",
        )
        if weights is None:
            return mean(total, known.sum())
        share = weights[target.clamp_min(0)] * known
        return total / share.sum().clamp_min(torch.finfo(share.dtype).tiny)

    def mixed(
        self, output: Tensor, targets: tuple[Tensor, Tensor], share: float
    ) -> Tensor:
        """With a threshold, the classes that are there at all are there as a whole."""
        if self.threshold is None:
            return super().mixed(output, targets, share)
        mine, other = (
            self._wanted(output, target) * self.known(target)[:, None]
            for target in targets
        )
        there = share * mine + (1 - share) * other > self.threshold
        return self._binary(output, targets[0], there.to(output.dtype))

    def _wanted(self, output: Tensor, target: Tensor) -> Tensor:
        """(n, classes), smoothed."""
        wanted = F.one_hot(target.clamp_min(0), output.shape[1]).to(
            output.dtype
        )
        return (
            wanted * (1 - self.smoothing) + self.smoothing / output.shape[1]
        )

    def _binary(
        self, output: Tensor, target: Tensor, wanted: Tensor
    ) -> Tensor:
        known = self.known(target)
        every = F.binary_cross_entropy_with_logits(
            output, wanted, self._weights(output), reduction="none"
        )
        return mean((every.mean(1) * known).sum(), known.sum())

    def sums(self, output: Tensor, target: Tensor) -> Tensor:
        """Wrong predictions."""
        wrong = output.argmax(1).ne(target) & self.known(target)
        return wrong.sum()[None]

    def error(self, sums: Tensor, count: float) -> float:
        """The share of wrong predictions."""
        return 100 * float(sums) / max(1.0, count)


@dataclass(frozen=True)
class PixelClasses(_OfClasses):
    """A class of each pixel: output (n, classes, …), target (n, …) int64, larger by a factor
    where the net's output is coarse: then it is enlarged bilinearly, as DeepLab's is."""

    @property
    def width(self) -> int:
        """The confusion matrix, a row for each true class."""
        return self.classes**2

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The cross-entropy of each pixel."""
        # by rows of pixels, of which the gradient is the same in every run on a GPU
        rows, wanted = self._rows(output, target)
        return Classes(self.classes, self.smoothing, self.weights).loss(
            rows, wanted
        )

    def sums(self, output: Tensor, target: Tensor) -> Tensor:
        """The confusion matrix, row by row."""
        rows, wanted = self._rows(output, target)
        known = self.known(wanted)
        place = wanted * self.classes + rows.argmax(1)
        # what does not count goes behind the last
        return torch.bincount(
            torch.where(known, place, self.width), minlength=self.width + 1
        )[: self.width]

    def _rows(
        self, output: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        size = tuple(target.shape[1:])
        if tuple(output.shape[2:]) != size:
            output = F.interpolate(
                output, size, mode="bilinear", align_corners=False
            )
        return output.movedim(1, -1).reshape(
            -1, self.classes
        ), target.flatten()

    def error(self, sums: Tensor, count: float) -> float:
        """Of the mean IoU over the classes that are there, or were said to be."""
        return 100 * (1 - average(self.iou(sums)))

    def iou(self, sums: Tensor) -> list[float]:
        """Intersection over union of each class that has any."""
        matrix = exact(sums).view(self.classes, self.classes)
        both = matrix.diagonal()
        either = matrix.sum(0) + matrix.sum(1) - both
        return [*map(float, (both / either)[either > 0])]

    def details(self, sums: Tensor, count: float) -> Details:
        """The share of pixels that are right."""
        matrix = exact(sums).view(self.classes, self.classes)
        right = float(matrix.trace() / matrix.sum().clamp_min(1))
        return (("pixel accuracy", 100 * right),)


@dataclass(frozen=True)
class Multilabel(_OfClasses):
    """Any number of classes of each image: output and target (n, classes), the target 1, 0 or
    NaN."""

    @property
    def width(self) -> int:
        """Of each class the images that have it in each bin of logits, then those that have it
        not."""
        return 2 * self.classes * BINS

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The binary cross-entropy of each class."""
        known = self.known(target)
        wanted = (
            target.nan_to_num() * (1 - self.smoothing) + self.smoothing / 2
        )
        wanted, weights = wanted.to(output.dtype), self._weights(output)
        every = F.binary_cross_entropy_with_logits(
            output, wanted, pos_weight=weights, reduction="none"
        )
        return mean((every * known).sum(), known.sum())

    def sums(self, output: Tensor, target: Tensor) -> Tensor:
        """A histogram of logits of each class, of those that have it and of those that have
        not."""
        step = (output.float() + REACH) * (BINS / (2 * REACH))
        bins = step.nan_to_num().clamp(0, BINS - 1).to(torch.int64)
        row = torch.arange(self.classes, device=output.device)
        row = row + (target < 0.5) * self.classes
        place = torch.where(
            self.known(target), row * BINS + bins, self.width
        )
        return torch.bincount(place.flatten(), minlength=self.width + 1)[
            : self.width
        ]

    def error(self, sums: Tensor, count: float) -> float:
        """Of the mean average precision over the classes that an image has."""
        return 100 * (1 - average(self.precisions(sums)))

    def precisions(self, sums: Tensor) -> list[float]:
        """Of each class that an image has: the sum over bins, the surest first, of precision times
        the recall that each adds."""
        have, lack = (
            exact(sums).view(2, self.classes, BINS).flip(2).cumsum(2)
        )
        every = have[:, -1:]
        precision = have / (have + lack).clamp_min(1)
        added = have.diff(dim=1, prepend=torch.zeros_like(every))
        found = (precision * added).sum(1) / every[:, 0].clamp_min(1)
        return [*map(float, found[every[:, 0] > 0])]
