"""What a net says of each validation image → counts of its classes, and its surest mistakes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import torch
import torch.nn.functional as F
from torch import Tensor

from ...structs import Frozen
from ..data.formats.npy import ArrayValues
from ..parallel.distributed import World

MISTAKES = 25
"""Of the surest, that are shown."""
CONFUSIONS = 20
"""Pairs of classes that are told."""


class Verdicts(Frozen):
    """Of each validation image that could be read: its number, its class, the class that the net
    takes it for, and the probabilities of both; (n,) each."""

    number: ArrayValues
    truth: ArrayValues
    guess: ArrayValues
    sure: ArrayValues
    right: ArrayValues

    def __len__(self) -> int:
        return len(self.number)

    @property
    def hit(self) -> ArrayValues:
        """Which are right."""
        return numpy.equal(self.truth, self.guess)

    def matrix(self, classes: int) -> ArrayValues:
        """The confusion matrix (classes, classes), a row for each true class."""
        place = self.truth * classes + self.guess
        return numpy.bincount(place, minlength=classes**2).reshape(
            classes, classes
        )

    def mistakes(self) -> Iterator[int]:
        """Places of the surest mistakes, the surest first; of equal ones the first image."""
        wrong = (~self.hit).nonzero()[0]
        order = numpy.lexsort((self.number[wrong], -self.sure[wrong]))
        return iter(wrong[order][:MISTAKES].tolist())

    def confusions(self, classes: int) -> list[tuple[int, int, int]]:
        """The commonest pairs: how many images of a class are taken for another."""
        place = (self.truth * classes + self.guess)[~self.hit]
        pairs, counts = numpy.unique(place, return_counts=True)
        order = numpy.lexsort((pairs, -counts))[:CONFUSIONS]
        return [
            (int(counts[at]), *divmod(int(pairs[at]), classes))
            for at in order.tolist()
        ]


class Witness:
    """Sees each batch of an evaluation, in order, and waits for none."""

    def __init__(self) -> None:
        self.parts: list[Tensor] = []

    def __call__(self, output: Tensor, target: Tensor) -> None:
        """Logits (n, classes) and classes (n,), which are less than 0 where none is known."""
        chances = output.float().softmax(1)
        sure, guess = chances.max(1)
        right = chances.gather(1, target.clamp_min(0)[:, None])[:, 0]
        # class numbers are exact in float32 up to 2^24
        self.parts.append(
            torch.stack([target.float(), guess.float(), sure, right])
        )

    def verdicts(self, images: int, world: World) -> Verdicts:
        """Over all ranks, which took turns in so many images; everywhere."""
        length = -(-images // world.size)
        mine = torch.cat(self.parts, 1)[:, :length]
        mine = F.pad(
            mine, (0, length - mine.shape[1]), value=-1.0
        ).contiguous()
        every = (
            world.gather(mine)
            .permute(1, 2, 0)
            .reshape(4, -1)[:, :images]
            .cpu()
        )
        number = (every[0] >= 0).nonzero()[:, 0]
        truth, guess, sure, right = every[:, number]
        return Verdicts(
            number.numpy(), truth.long().numpy(), guess.long().numpy(),
            sure.numpy(), right.numpy(),
        )  # fmt: skip
