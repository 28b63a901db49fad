"""The losses and errors of training steps → their means, added up on the device so that no step
waits for a number."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..parallel.distributed import World


class MetricAccumulator:
    """Sums since the last evaluation: loss times images, wrong predictions, images; and the same
    since the last window."""

    def __init__(self, device: torch.device, sum_type: torch.dtype) -> None:
        self.sums = torch.zeros(6, dtype=sum_type, device=device)
        # first step with a loss that is not finite
        self.bad = torch.full((), -1, dtype=torch.int64, device=device)
        self.empty = True

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, step: int) -> None:
        """One part of a step."""
        counted = labels >= 0
        wrong = (logits.argmax(1).ne(labels) & counted).sum()
        count, kind = counted.sum(), self.sums.dtype
        part = (loss.to(kind) * count, wrong.to(kind), count.to(kind))
        self.sums += torch.stack(part).repeat(2)
        self.bad = torch.where((self.bad < 0) & ~torch.isfinite(loss), step, self.bad)
        self.empty = False

    def local(self) -> tuple[float, float, int]:
        """This rank's mean loss, error in percent, and the first bad step or -1. Waits for the
        device."""
        return *_means(self.sums[:3]), int(self.bad.item())

    def take(self, world: World) -> tuple[float, float]:
        """Mean loss and error in percent over all ranks since the last take."""
        means = _means(world.sum(self.sums[:3].clone()))
        self.sums[:3] = 0
        self.empty = True
        return means

    def take_window(self, world: World) -> float:
        """Error in percent over all ranks since the last window."""
        _, error = _means(world.sum(self.sums[3:].clone()))
        self.sums[3:] = 0
        return error

    def state(self, world: World) -> dict[str, Any]:
        """Each rank's sums, so that a resume adds up in the same order."""
        return {"sums": world.gather(self.sums).cpu(), "empty": self.empty}

    def load(self, state: dict[str, Any], world: World) -> None:
        """This rank's sums; on another number of ranks the first one takes all."""
        sums = state["sums"]
        if len(sums) == world.size:
            mine = sums[world.rank]
        else:
            mine = sums.sum(0) if world.first else torch.zeros_like(sums[0])
        self.sums.copy_(mine)
        self.empty = state["empty"]


def _means(sums: Tensor) -> tuple[float, float]:
    """Mean loss, and error in percent."""
    loss, wrong, images = sums.tolist()
    images = max(1.0, images)
    return loss / images, 100 * wrong / images
