"""A net and the validation part → its loss and error, exact on any number of ranks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .decide import Decisions
from .distributed import World


@dataclass(frozen=True, slots=True)
class Score:
    """Mean cross-entropy (natural logarithm), and the error in percent."""

    loss: float
    error: float
    images: int


@torch.no_grad()
def score(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], decisions: Decisions, world: World) -> Score:
    """Over all ranks; labels of -100 do not count. The net is left in the mode that it was in."""
    training = net.training
    net.eval()
    totals = torch.zeros(3, dtype=decisions.sum_type, device=decisions.device)
    for images, labels in batches:
        with decisions.autocast():
            logits = net(images).float()
        counted = labels >= 0
        totals[0] += F.cross_entropy(logits, labels, reduction="sum", ignore_index=-100)
        totals[1] += (logits.argmax(1).eq(labels) & counted).sum()
        totals[2] += counted.sum()
    net.train(training)
    loss, right, images_seen = world.sum(totals).tolist()
    return Score(loss / images_seen, 100 * (1 - right / images_seen), int(images_seen))
