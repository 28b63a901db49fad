"""A plan and options → what a build would use, and why, with steps, memory and time, before anything runs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import torch

from .decide import Decisions, Reason
from .distributed import placed
from .options import Options
from .plans import PlanLike
from .session import Prepared, prepare


@dataclass(frozen=True, slots=True)
class Forecast:
    """`memory` in bytes on each device, `seconds` of training; both are estimates, and rough."""

    name: str
    images: int
    steps: int
    epochs: float
    batch: int
    memory: int
    seconds: float
    reasons: tuple[Reason, ...]

    def text(self) -> str:
        """The lines that `--plan` prints."""
        rows = [
            *self.reasons,
            ("batch", f"{self.batch}", "images a step, over all processes"),
            ("steps", f"{self.steps:,}", f"{self.epochs:g} epochs of {self.images:,} images"),
            ("memory", f"~ {self.memory / 2**20:,.0f} MiB", "weights, gradients, optimizer and activations"),
            (
                "time",
                f"~ {_span(self.seconds)}",
                "three forward passes a step at this device's measured pace",
            ),
        ]
        wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
        return "\n".join(f"{what:<{wide[0]}}  {choice:<{wide[1]}}  {why}" for what, choice, why in rows)


def forecast(plan: PlanLike, options: Options) -> Forecast:
    """Reads the data (so that a missing one is told of now) and measures the device for a moment."""
    ready = prepare(plan, options, placed(os.environ))
    per_epoch = ready.sampler.steps_per_epoch
    macs = 3 * plan.macs * ready.train.batch / ready.world.size * ready.steps
    return Forecast(
        name=plan.name,
        images=len(ready.data.train),
        steps=ready.steps,
        epochs=round(ready.steps / per_epoch, 3),
        batch=ready.train.batch,
        memory=_memory(ready),
        seconds=macs / pace(ready.decisions),
        reasons=ready.decisions.reasons,
    )


def _memory(ready: Prepared) -> int:
    """Weights, gradients and optimizer state in fp32, and the activations that a backward pass keeps."""
    plan, train = ready.plan, ready.train
    states = 2 + {"sgd": 1, "adamw": 2}[train.optimizer.name] + (train.ema is not None)
    activations = getattr(getattr(plan, "graph", None), "cost", None)
    kept = activations.activations if activations is not None else 0
    images = train.batch // ready.world.size // train.accumulate
    resident = getattr(ready.data.train, "images", None)
    return (
        4 * plan.params * states
        + kept * images * (2 if ready.decisions.bf16 else 4)
        + (resident.numel() if resident is not None else 0)
    )


def pace(decisions: Decisions) -> float:
    """Multiply-adds a second that convolutions come to on this device, measured for a quarter of one."""
    device, width = decisions.device, 64 if decisions.device.type == "cpu" else 256
    conv = torch.nn.Conv2d(width, width, 3, padding=1, bias=False, device=device)
    images = torch.randn(16, width, 16, 16, device=device)
    if decisions.channels_last:
        conv = conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        images = images.to(memory_format=torch.channels_last)
    count, macs = 0, 16 * 16 * 16 * 9 * width * width
    with torch.no_grad(), decisions.autocast():
        float(conv(images).sum())
        began = time.perf_counter()
        while time.perf_counter() - began < 0.25:
            float(conv(images)[0, 0, 0, 0])
            count += 1
        taken = time.perf_counter() - began
    return 0.5 * macs * count / taken  # the rest goes into norms, activations and memory


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
