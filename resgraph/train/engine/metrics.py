"""The losses and errors of training steps → their means, added up on the device so that no step
waits for a number."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..parallel.distributed import World
from ..tasks import Task


class MetricAccumulator:
    """Sums since the last evaluation: loss times count, what the task's error is made of, count;
    and the same since the last window."""

    def __init__(
        self, device: torch.device, sum_type: torch.dtype, task: Task
    ) -> None:
        self.task, self.width = task, task.width + 2
        self.sums = torch.zeros(
            2 * self.width, dtype=sum_type, device=device
        )
        # first step with a loss that is not finite
        self.bad = torch.full((), -1, dtype=torch.int64, device=device)
        self.empty = True

    def add(
        self, loss: Tensor, output: Tensor, target: Tensor, step: int
    ) -> None:
        """One part of a step."""
        count, kind = self.task.count(target)[None], self.sums.dtype
        parts = (
            loss.to(kind) * count,
            self.task.sums(output, target),
            count,
        )
        self.sums += torch.cat([part.to(kind) for part in parts]).repeat(2)
        self.bad = torch.where(
            (self.bad < 0) & ~torch.isfinite(loss), step, self.bad
        )
        self.empty = False

    def local(self) -> tuple[float, float, int]:
        """This rank's mean loss, error in percent, and the first bad step or -1. Waits for the
        device."""
        return *self._means(self.sums[: self.width]), int(self.bad.item())

    def take(self, world: World) -> tuple[float, float]:
        """Mean loss and error in percent over all ranks since the last take."""
        means = self._means(world.sum(self.sums[: self.width].clone()))
        self.sums[: self.width] = 0
        self.empty = True
        return means

    def take_window(self, world: World) -> float:
        """Error in percent over all ranks since the last window."""
        _, error = self._means(world.sum(self.sums[self.width :].clone()))
        self.sums[self.width :] = 0
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

    def _means(self, sums: Tensor) -> tuple[float, float]:
        """Mean loss, and error in percent."""
        sums = sums.cpu()
        count = max(1.0, float(sums[-1]))
        return float(sums[0]) / count, self.task.error(sums[1:-1], count)
