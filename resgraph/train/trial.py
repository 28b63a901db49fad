"""What is known before the first step → the seconds of a step and of a batch, measured for a moment
on this device.

A trial never takes what a run would: it measures few images and scales, and stops after a few
seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from msgspec.structs import replace
from torch import nn

from .data.normalize import measure, standard
from .data.sampler import Sampler
from .data.sets import Resident
from .engine.assemble import fresh_net, in_layout, make_data_loader
from .engine.optimizer import make_optimizer, start_light
from .engine.several import total
from .parallel.checkpointing import checkpoint_blocks
from .prepare import Prepared
from .settings.memory import memory_limit

BUDGET = 10e9
"""Multiply-adds of a step that a trial may try; two images, which batch norms need, are tried
beyond that."""
LARGEST = 400e9
"""Multiply-adds of two images that a CPU does not try: one step would take minutes."""
BYTES = 512 * 2**20
"""Bytes of images, or of what a step keeps of them, that a trial may hold."""
WARMUP_STEPS = 2
"""Steps that are not counted: the first ones load libraries and allocate."""
MEASURED_SECONDS = 0.6
"""Seconds that a trial measures, where three steps do not take longer."""
LONGEST_SECONDS = 3.0
"""Seconds after which a trial ends, though not before its second step. The first one's do not
count: on a busy machine it took 11 s where the others took 0.1 s."""


def step_seconds(ready: Prepared) -> float | None:
    """One training step of this very net on this device; None where it is too large to be tried."""
    images = images_of(ready)
    if images is None:
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(ready.decisions.threads)  # as the run will
    try:
        return (
            _step(ready, images)
            * (ready.train.batch // ready.world.size)
            / images
        )
    finally:
        torch.set_num_threads(threads)


def images_of(ready: Prepared) -> int | None:
    """As many images as take a moment and little memory, at most those of a step; None where two
    are too many."""
    plan, train, device = ready.plan, ready.train, ready.decisions.device
    macs, weights = 3 * plan.macs + 1, 16 * plan.params
    inputs = sum(map(_values, plan.inputs.values()))
    bytes_each = 4 * (3 * plan.activations + inputs)
    free = memory_limit(device) - weights
    if free < 2 * bytes_each or (
        device.type == "cpu" and 2 * macs > LARGEST
    ):
        return None
    share = train.batch // ready.world.size // train.accumulate
    return max(
        2, min(share, int(BUDGET / macs), min(BYTES, free) // bytes_each)
    )


def batch_seconds(ready: Prepared) -> float:
    """One batch of a set in memory, augmented on the device; files are read by workers while a step
    runs."""
    found = ready.data.train
    if not isinstance(found, Resident):
        return 0.0
    share = ready.train.batch // ready.world.size
    each = 4 * _values(ready.data.shape)
    images = max(1, min(share, BYTES // 4 // each))
    few = found.part(slice(max(images, min(len(found), BYTES // each))))
    data = replace(ready.data, train=few, validation=few.part(slice(1)))
    sampler = Sampler(len(few), images, ready.train.seed)
    normalization = replace(
        measure(few.part(slice(64)), data.levels, ready.train.measured),
        beside=tuple(map(standard, few.beside)),
    )
    data_loader = make_data_loader(
        ready.train, data, sampler, normalization, ready.decisions
    )
    batches = (
        batch
        for _ in range(WARMUP_STEPS + 10)
        for batch in data_loader.epoch(0, 0)
    )
    return (
        _timed(
            lambda: float(next(batches).images.flatten()[0]),
            WARMUP_STEPS + 10,
            WARMUP_STEPS + 10,
        )
        * share
        / images
    )


def _step(ready: Prepared, images: int) -> float:
    """The median of some steps: a busy machine is as busy during the run."""
    # by one process
    train = ready.train
    decisions = replace(ready.decisions, sharded=False)
    plan = ready.plan
    net: nn.Module = fresh_net(plan, train, decisions)
    checkpoint_blocks(net, decisions.checkpointed)
    start_light()
    optimizer = make_optimizer(
        train.optimizer, net, plan, fused=decisions.fused
    )
    batch = [
        in_layout(
            torch.rand(images, *shape, device=decisions.device), decisions
        )
        for shape in plan.inputs.values()
    ]

    def step() -> None:
        with decisions.autocast():
            loss = total(net(*batch))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        float(loss.detach())

    return _timed(step, WARMUP_STEPS + 3, 50)


def _timed(work: Callable[[], object], least: int, most: int) -> float:
    """The median of the seconds that `work` takes, `least` times, more while it is quick, fewer
    where it is slow."""
    times: list[float] = []
    while len(times) < least or (
        len(times) < most and sum(times) < MEASURED_SECONDS
    ):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
        if sum(times[1:]) > LONGEST_SECONDS:
            break
    return median(times[WARMUP_STEPS:] or times[-1:])


def _values(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel()
