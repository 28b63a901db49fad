"""Predictions of a net on the validation part → its loss and error, exact on any number of
ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ...errors import TrainingError
from ...structs import Frozen
from ..parallel.distributed import World
from ..settings.decide import Decisions
from ..tasks import Details, Task
from ..tasks.base import PERCENTAGES
from ..tasks.classes import Classes
from .several import first


class Score(Frozen):
    """The mean loss (of a cross-entropy in natural logarithms), and the error in percent.

    `top5` is the share of images, in percent, whose class is not among the five likeliest: None up
    to five classes, and where no class is asked. `notes` says which files were left out, `details`
    has further measures of the task, and `measure` is the name of what the error lacks of 1."""

    loss: float
    error: float
    images: int
    top5: float | None = None
    notes: tuple[str, ...] = ()
    details: Details = ()
    measure: str = "accuracy"

    def further(self) -> list[str]:
        """`pixel accuracy 89.28 %`, `RMSE 1.15851`"""
        return [
            f"{name} {value:.2f} %"
            if name in PERCENTAGES
            else f"{name} {value:.6g}"
            for name, value in self.details
        ]


BatchCallback = Callable[[Tensor, Tensor], None]
"""What is shown each batch: what a net puts out, and its target."""


class Sums:
    """What a score is made of, by a task as an evaluation asks it, added up batch by batch on the
    device; `look` is shown each batch."""

    def __init__(
        self,
        decisions: Decisions,
        task: Task,
        look: BatchCallback | None = None,
    ) -> None:
        self.task, self.decisions, self.look = task.plain(), decisions, look
        self.totals = torch.zeros(
            task.width + 4,
            dtype=decisions.sum_type,
            device=decisions.device,
        )
        self.ranked = isinstance(task, Classes) and task.classes > 5

    def add(self, output: Tensor, target: Tensor) -> None:
        """Of a batch: (n, …) and its target; classes by logits up to a constant for each image."""
        task, kind = self.task, self.totals.dtype
        if self.look:
            self.look(output, target)
        count = task.count(target)[None]
        parts = (
            task.loss(output, target).to(kind) * count,
            task.sums(output, target),
            count,
            self._near(output, target)[None],
            task.items(target)[None],
        )
        self.totals += torch.cat([part.to(kind) for part in parts])

    def _near(self, output: Tensor, target: Tensor) -> Tensor:
        """How many images have their class among the five likeliest."""
        if not self.ranked:
            return torch.zeros((), device=output.device)
        likeliest = output.topk(5).indices
        return (likeliest.eq(target[:, None]).any(1) & (target >= 0)).sum()

    def score(self, world: World) -> Score:
        """Over all ranks. Raises `TrainingError` where no image counted."""
        totals = world.sum(self.totals).cpu()
        loss, sums = float(totals[0]), totals[1:-3]
        count, near, images = totals[-3:].tolist()
        if not images:
            raise TrainingError(
                "none of the validation images can be read, or nothing is known of them"
            )
        return Score(
            loss / count,
            self.task.error(sums, count),
            int(images),
            100 * (1 - near / images) if self.ranked else None,
            details=self.task.details(sums, count),
        )


@torch.no_grad()
def score(
    net: nn.Module,
    batches: Iterable[tuple[tuple[Tensor, ...], Tensor]],
    sums: Sums,
    world: World,
) -> Score:
    """Over all ranks, by fresh sums. The net is left in the mode that it was in."""
    training = net.training
    net.eval()
    for inputs, target in batches:
        with sums.decisions.autocast():
            output = first(net(*inputs))
        sums.add(output, target)
    net.train(training)
    return sums.score(world)
