"""A plan and options → what a build would use, and why, with steps, memory and time, before anything runs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import torch

from .assemble import fresh_net
from .decide import Reason
from .distributed import placed
from .optimizer import make_optimizer, start_light
from .options import Options
from .plans import PlanLike
from .recompute import recompute
from .session import Prepared, prepare
from .sizes import relative_work

BUDGET = 10e9
"""Multiply-adds of a step that a forecast may try."""


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
                "a few steps of this net, measured here; data and evaluations come on top",
            ),
        ]
        wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
        return "\n".join(f"{what:<{wide[0]}}  {choice:<{wide[1]}}  {why}" for what, choice, why in rows)


def forecast(plan: PlanLike, options: Options) -> Forecast:
    """Reads the data (so that a missing one is told of now) and measures the device for a moment."""
    ready = prepare(plan, options, placed(os.environ))
    per_epoch = ready.sampler.steps_per_epoch
    return Forecast(
        name=plan.name,
        images=len(ready.data.train),
        steps=ready.steps,
        epochs=round(ready.steps / per_epoch, 3),
        batch=ready.train.batch,
        memory=ready.decisions.memory,
        seconds=step_seconds(ready) * ready.steps * _work(ready),
        reasons=ready.decisions.reasons,
    )


def _work(ready: Prepared) -> float:
    """The part of a whole image that a step works on, over the run."""
    if ready.train.progressive is None:
        return 1.0
    per_epoch, shape = ready.sampler.steps_per_epoch, ready.plan.input
    return relative_work(ready.train, per_epoch, -(-ready.steps // per_epoch), (shape[1], shape[2]))


def step_seconds(ready: Prepared) -> float:
    """One training step of this very net on this device, measured on as many images as take a moment, and scaled."""
    train, decisions, plan = ready.train, ready.decisions, ready.plan
    share = train.batch // ready.world.size
    images = max(2, min(share, int(BUDGET / (3 * plan.macs + 1))))
    net = fresh_net(plan, train, decisions)
    recompute(net, decisions.recomputed)
    start_light()
    optimizer = make_optimizer(train.optimizer, net, fused=decisions.fused)
    batch = torch.rand(images, *plan.input, device=decisions.device)
    if decisions.channels_last and batch.ndim == 4:
        batch = batch.contiguous(memory_format=torch.channels_last)
    times: list[float] = []
    while len(times) < 3 or (len(times) < 20 and sum(times) < 0.3):
        began = time.perf_counter()
        with decisions.autocast():
            loss = net(batch).float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        float(loss.detach())
        times.append(time.perf_counter() - began)
    return min(times) * share / images


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
