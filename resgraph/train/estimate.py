"""A plan and options → what a build would use, and why, with steps, memory and time, before anything runs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median

import torch

from .assemble import fresh_net, make_feed
from .data.sets import Resident
from .decide import Reason
from .distributed import World
from .launch import launched
from .optimizer import make_optimizer, start_light
from .options import Options
from .plans import PlanLike
from .prepare import Prepared, normalization_of, prepare
from .recompute import recompute
from .reporter import epochs_of
from .sizes import relative_work

BUDGET = 10e9
"""Multiply-adds of a step that a forecast may try."""
WARM = 2
"""Steps that are not counted: the first ones allocate."""
MOMENT = 0.6
"""Seconds that a forecast measures, where three steps do not take longer."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`memory` in bytes on each device, `seconds` of training; both are estimates.

    Runs took, on a CPU, one thread, two busy cores, three times each: ResNet-20 on synthetic images 1.00, 1.01 and
    1.02 times the seconds told; ResNet-8 on digits, with steps of 12 ms and an evaluation for every 22, 1.28 to 1.34.
    """

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
            ("steps", f"{self.steps:,}", f"{epochs_of(self.epochs)} of {self.images:,} images"),
            ("memory", f"~ {self.memory / 2**20:,.0f} MiB", "weights, gradients, optimizer and activations"),
            (
                "time",
                f"~ {_span(self.seconds)}",
                "a few steps, measured here; evaluations, and files that are slow to read, come on top",
            ),
        ]
        wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
        return "\n".join(f"{what:<{wide[0]}}  {choice:<{wide[1]}}  {why}" for what, choice, why in rows)


def forecast(plan: PlanLike, options: Options) -> Forecast:
    """Reads the data (so that a missing one is told of now) and measures the device for a moment."""
    ready = prepare(plan, options, World.of(launched(os.environ)))
    per_epoch = ready.sampler.steps_per_epoch
    return Forecast(
        name=plan.name,
        images=len(ready.data.train),
        steps=ready.steps,
        epochs=round(ready.steps / per_epoch, 3),
        batch=ready.train.batch,
        memory=ready.decisions.memory,
        seconds=(step_seconds(ready) * _work(ready) + batch_seconds(ready)) * ready.steps,
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
    threads = torch.get_num_threads()
    torch.set_num_threads(ready.decisions.threads)  # as the run will
    try:
        return _measured(ready)
    finally:
        torch.set_num_threads(threads)


def batch_seconds(ready: Prepared) -> float:
    """One batch of a set in memory, augmented on the device; files are read by workers while a step runs."""
    if not isinstance(ready.data.train, Resident):
        return 0.0
    feed = make_feed(ready.train, ready.data, ready.sampler, normalization_of(ready), ready.decisions)
    times: list[float] = []
    began = time.perf_counter()
    for batch in islice(feed.epoch(0, 0), WARM + 10):
        float(batch.images.flatten()[0])
        times.append(time.perf_counter() - began)
        began = time.perf_counter()
    return median(times[WARM:] or times)


def _measured(ready: Prepared) -> float:
    """The median of some steps: a busy machine is as busy during the run."""
    train, decisions, plan = ready.train, replace(ready.decisions, sharded=False), ready.plan  # by one process
    share = train.batch // ready.world.size
    images = min(share // train.accumulate, int(BUDGET / (3 * plan.macs + 1)))
    images = max(2, images)
    net = fresh_net(plan, train, decisions)
    recompute(net, decisions.recomputed)
    start_light()
    optimizer = make_optimizer(train.optimizer, net, fused=decisions.fused)
    batch = torch.rand(images, *plan.input, device=decisions.device)
    if decisions.channels_last and batch.ndim == 4:
        batch = batch.contiguous(memory_format=torch.channels_last)
    times: list[float] = []
    while len(times) < WARM + 3 or (len(times) < 50 and sum(times) < MOMENT):
        began = time.perf_counter()
        with decisions.autocast():
            loss = net(batch).float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        float(loss.detach())
        times.append(time.perf_counter() - began)
    return median(times[WARM:]) * share / images


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
