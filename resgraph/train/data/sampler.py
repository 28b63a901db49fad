"""(seed, epoch, step) → which samples, on which rank: the same order whatever the number of
workers, ranks or resumes."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import TrainingError, UsageError
from ...structs import Frozen
from ..rng import key, permutation


class Sampler(Frozen):
    """Epochs of whole batches: each epoch a new order of all samples, of which the last ragged
    batch is left out. `parts` is in how many a process takes its share of a batch.

    Where each sample comes `repeats` times in an epoch, one after another, its number is larger by
    `samples` for each time: so each copy has random numbers of its own. Ranks take turns, as in
    DeiT's sampler (Touvron et al. 2021).

    With `labels`, (samples,) int64 from 0, each class is drawn as often as any other."""

    samples: int
    batch: int
    seed: int
    rank: int = 0
    world: int = 1
    parts: int = 1
    repeats: int = 1
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        if self.samples < self.batch:
            raise TrainingError(
                f"a batch of {self.batch} is more than the {self.samples} training images; make"
                " `train.batch` smaller"
            )
        shares = self.world * self.parts
        if self.batch % shares:
            near = max(shares, round(self.batch / shares) * shares)
            parts = (
                f", in {self.parts} parts each" if self.parts > 1 else ""
            )
            raise UsageError(
                f"a batch of {self.batch} cannot be shared equally by {self.world}"
                f" processes{parts}; {near} can"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training set."""
        return self.samples // self.batch

    def epoch(self, epoch: int, first: int = 0) -> Tensor:
        """Indices of this rank's part of the batches from `first` on: (steps, batch / world)
        int64."""
        order = self._order(key(self.seed, "order", epoch))
        if self.repeats > 1:
            copies = torch.arange(self.repeats) * self.samples
            order = (order[:, None] + copies).flatten()
        whole = order[: self.steps_per_epoch * self.batch].view(
            self.steps_per_epoch, self.batch
        )
        return whole[first:, self.rank :: self.world]

    def _order(self, base: int) -> Tensor:
        """All samples; or as many of which each class has the same part but for one, each sample of
        a class before any comes again, with a number beyond the copies that `repeats` makes."""
        mixed = permutation(base, self.samples)
        if self.labels is None:
            return mixed
        classes = int(self.labels.max()) + 1
        ranked = permutation(key(base, "classes"), classes)
        drawn = []
        for place, label in enumerate(ranked.tolist()):
            members = (self.labels == label).nonzero().flatten()
            share = self.samples // classes + (
                place < self.samples % classes
            )
            rounds = [
                members[
                    permutation(
                        key(base, "members", label, turn), len(members)
                    )
                ]
                + turn * self.repeats * self.samples
                for turn in range(-(-share // len(members)))
            ]
            drawn.append(torch.cat(rounds)[:share])
        return torch.cat(drawn)[mixed]
