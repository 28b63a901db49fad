"""Peak memory of a training step, each net in a process of its own: allocated on a GPU, resident on
a CPU. With some images and with twice as many, so that what each image costs stands by itself."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from types import MappingProxyType

CPU = {"resnet-50": 8, "cifar/resnet-110": 64}
GPU = {"resnet-50": 128, "cifar/resnet-110": 512}
HALF = {"bf16": True, "channels_last": True}
CONTESTANTS: dict[
    str, tuple[dict[str, bool], bool]
] = {  # how it steps, and whether it is recomputed
    "theirs": ({}, False),
    "theirs again": ({}, False),
    "resgraph": ({}, False),
    "resgraph, recomputed": ({}, True),
    "theirs, bf16, channels-last": (HALF, False),
    "resgraph, bf16, channels-last": (HALF, False),
    "resgraph, bf16, channels-last, recomputed": (HALF, True),
}
STEPS = 3
EXACT = MappingProxyType({"MALLOC_MMAP_THRESHOLD_": "65536"})
"""With this, glibc gives back what is freed, so that the peak is what was needed; it is slower, and
is not timed."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--one",
        nargs=3,
        metavar=("NET", "BATCH", "WHO"),
        help=argparse.SUPPRESS,
    )
    options.add_argument("--rounds", type=int, default=3)
    settings = options.parse_args()
    if settings.one:
        name, batch, who = settings.one
        print(json.dumps(measured(name, int(batch), who)))
    else:
        compare(settings.rounds)


def compare(rounds: int) -> None:
    """Print the table of each net."""
    import torch
    from measure import heading, ratio, table

    torch.set_num_threads(1)  # as the children do
    heading("Peak memory of a training step")
    for name, batch in (GPU if torch.cuda.is_available() else CPU).items():
        images: dict[str, list[float]] = {who: [] for who in CONTESTANTS}
        peaks: dict[str, list[float]] = {who: [] for who in CONTESTANTS}
        seconds: dict[str, list[float]] = {who: [] for who in CONTESTANTS}
        for _ in range(rounds):
            for who in CONTESTANTS:
                (some, _), (twice, _) = (
                    _child(name, count, who, EXACT)
                    for count in (batch, 2 * batch)
                )
                _, took = _child(name, 2 * batch, who)
                images[who].append((twice - some) / batch)
                peaks[who].append(twice)
                seconds[who].append(took)
        print(
            f"{name}, {2 * batch} images; the MB of each image beside {batch}\n"
        )
        body = [
            [
                who,
                f"{median(peaks[who]):,.0f}",
                f"{median(images[who]):,.2f}",
                ratio(images[who], images["theirs"]),
                ratio(seconds[who], seconds["theirs"]),
            ]
            for who in CONTESTANTS
        ]
        table(
            ["", "MB", "MB an image", "against theirs", "time of a step"],
            body,
        )


def _child(
    name: str,
    batch: int,
    who: str,
    settings: Mapping[str, str] | None = None,
) -> tuple[float, float]:
    command = [sys.executable, __file__, "--one", name, str(batch), who]
    done = subprocess.run(
        command,
        env={**os.environ, **(settings or {})},
        stdout=subprocess.PIPE,
        check=True,
    )
    peak, took = json.loads(done.stdout)
    return peak, took


def measured(name: str, batch: int, who: str) -> tuple[float, float]:
    """MB that some steps needed at most, above what was there before the net was made; seconds of
    the later ones."""
    import torch
    from reference import reference
    from settings import Stepping, clock, plan

    from resgraph.train.parallel.checkpointing import checkpoint_blocks
    from resgraph.train.settings.memory import blocks_in

    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net, (how, checkpointed) = plan(name), CONTESTANTS[who]
    _, make = reference(name)
    now = clock(device)
    before = _resident("VmRSS")
    images = torch.randn(batch, *net.input, device=device)
    module = make() if who.startswith("theirs") else net.module()
    if checkpointed:
        checkpoint_blocks(
            module, [block.name for block in blocks_in(net.graph)]
        )
    step = Stepping(module, images, **how)
    step()
    began = now()
    for _ in range(STEPS - 1):
        step()
    took = now() - began
    peak = (
        torch.cuda.max_memory_allocated() / 1e6
        if device == "cuda"
        else _resident("VmHWM") - before
    )
    return peak, took


def _resident(what: str) -> float:
    """MB that this process has in memory (VmRSS), or had at most (VmHWM). Linux alone tells it."""
    lines = (
        Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    )
    (line,) = [line for line in lines if line.startswith(f"{what}:")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
