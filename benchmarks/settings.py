"""The command line of a benchmark → the device, how it is timed, and the nets of both sides on
it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from measure import Clock
from torch import nn

import resgraph

SPECS = Path(__file__).parents[1] / "specs"
FILES = {
    "cifar/resnet": "cifar-resnet.yaml",
    "resnet": "resnet.yaml",
    "vgg": "vgg.yaml",
}


def parser(about: str | None, rounds: int) -> argparse.ArgumentParser:
    """What all benchmarks of nets take."""
    found = argparse.ArgumentParser(description=about)
    found.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu"
    )
    found.add_argument(
        "--threads", type=int, default=1, help="of torch on the CPU"
    )
    found.add_argument("--rounds", type=int, default=rounds)
    found.add_argument(
        "--batch",
        type=int,
        help="images in a step, in place of each net's own number",
    )
    return found


def start(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The settings, and torch set accordingly: on a GPU, both sides may use TF32 and choose their
    algorithms."""
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    return settings


def clock(device: str) -> Clock:
    """CPU seconds of this process, which other processes disturb least; on a GPU the seconds until
    it has done all."""
    if not device.startswith("cuda"):
        return time.process_time

    def done() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return done


def plan(name: str) -> resgraph.Plan:
    """The plan of `resnet-50` or `cifar/resnet-20`."""
    family, _, depth = name.rpartition("-")
    return resgraph.load(
        f"{SPECS / FILES[family]}::{family.rpartition('/')[2]}-{depth}"
    )


class Stepping:
    """A net with an optimizer and one batch of noise that it learns by heart: calling it is a
    training step."""

    def __init__(
        self,
        net: nn.Module,
        images: torch.Tensor,
        *,
        bf16: bool = False,
        channels_last: bool = False,
    ) -> None:
        layout = (
            torch.channels_last
            if channels_last
            else torch.contiguous_format
        )
        self.device = images.device.type
        self.net = net.to(images.device).to(memory_format=layout).train()  # type: ignore[call-overload]
        self.images, self.bf16 = images.to(memory_format=layout), bf16
        self.labels = torch.arange(len(images), device=images.device) % 10
        self.optimizer = torch.optim.SGD(
            net.parameters(),
            lr=1e-4,
            momentum=0.9,
            weight_decay=1e-4,
            fused=True,
        )

    def __call__(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(
            self.device, dtype=torch.bfloat16, enabled=self.bf16
        ):
            logits = self.net(self.images)
        nn.functional.cross_entropy(logits.float(), self.labels).backward()
        self.optimizer.step()


class Inferring(Stepping):
    """The same net in evaluation: calling it is a forward pass."""

    def __call__(self) -> None:
        self.net.eval()
        with (
            torch.inference_mode(),
            torch.autocast(
                self.device, dtype=torch.bfloat16, enabled=self.bf16
            ),
        ):
            self.net(self.images)
