"""Predictions of a net on the validation part → its loss and error, exact on any number of
ranks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import TrainingError
from ..parallel.distributed import World
from ..settings.decide import Decisions


@dataclass(frozen=True, slots=True)
class Score:
    """Mean cross-entropy (natural logarithm), and the error in percent.

    `top5` is the share of images, in percent, whose class is not among the five likeliest: None up
    to five classes. `notes` says which files were left out."""

    loss: float
    error: float
    images: int
    top5: float | None = None
    notes: tuple[str, ...] = ()


class Sums:
    """What a score is made of, added up batch by batch on the device."""

    def __init__(self, decisions: Decisions) -> None:
        self.totals = torch.zeros(4, dtype=decisions.sum_type, device=decisions.device)
        self.classes = 0

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Of a batch: (n, classes), up to a constant for each image, and (n,), where -100 does not
        count."""
        counted, self.classes = labels >= 0, logits.shape[1]
        likeliest = logits.topk(min(5, self.classes)).indices
        self.totals[0] += F.cross_entropy(
            logits, labels, reduction="sum", ignore_index=-100
        )
        self.totals[1] += (logits.argmax(1).eq(labels) & counted).sum()
        self.totals[2] += (likeliest.eq(labels[:, None]).any(1) & counted).sum()
        self.totals[3] += counted.sum()

    def score(self, world: World) -> Score:
        """Over all ranks. Raises `TrainingError` where no image counted."""
        loss, right, near, images = world.sum(self.totals).tolist()
        if not images:
            raise TrainingError("none of the validation images can be read")
        top5 = 100 * (1 - near / images) if self.classes > 5 else None
        return Score(loss / images, 100 * (1 - right / images), int(images), top5)


@torch.no_grad()
def score(
    net: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    decisions: Decisions,
    world: World,
) -> Score:
    """Over all ranks; labels of -100 do not count. The net is left in the mode that it was in."""
    training = net.training
    net.eval()
    sums = Sums(decisions)
    for images, labels in batches:
        with decisions.autocast():
            logits = net(images).float()
        sums.add(logits, labels)
    net.train(training)
    return sums.score(world)
