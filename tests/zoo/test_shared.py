"""Nets of several inputs, of shared weights and of several streams, against the same nets written out in torch."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resgraph

from .agreement import agreeing, macs
from .test_zoo import ROOT


def load(name: str, *overrides: str) -> resgraph.Plan:
    return resgraph.load(ROOT / f"specs/{name}.yaml", overrides)


def unit(into: int, out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out))


class Bottleneck(nn.Module):
    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.one, self.two = (
            unit(into, out // 4, 1),
            unit(out // 4, out // 4, 3, stride),
        )
        self.three = unit(out // 4, out, 1)
        self.shortcut = (
            unit(into, out, 1, stride) if (into, stride) != (out, 1) else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.three(self.two(self.one(x).relu()).relu())
        return torch.relu(y + self.shortcut(x))


def blocks(
    make: Callable[..., nn.Module], into: int, out: int, count: int, stride: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        make(into, out, stride), *(make(out, out) for _ in range(count - 1))
    )


class ImageAndRecord(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(3, 64, 7, 2)
        widths, counts = (64, 256, 512, 1024, 2048), (3, 4, 6, 3)
        self.stages = nn.Sequential(
            *(
                blocks(Bottleneck, widths[i], widths[i + 1], count, 1 if i == 0 else 2)
                for i, count in enumerate(counts)
            )
        )
        self.reduce = nn.Sequential(
            nn.Linear(2048, 90, bias=False), nn.BatchNorm1d(90), nn.ReLU()
        )
        self.head = nn.Linear(118, 6)

    def forward(self, image: Tensor, record: Tensor) -> Tensor:
        x = F.max_pool2d(self.stem(image).relu(), 3, 2, 1)
        x = self.reduce(self.stages(x).mean((2, 3)))
        return self.head(torch.cat([x, record], 1))


def test_an_image_and_a_record() -> None:
    small = load(
        "image-and-record",
        "input.image=3x32x32",
        "net.reduce=[global avg pool, fc 90 bias none, bn, relu]",
    )
    agreeing(small, ImageAndRecord(), torch.randn(4, 3, 32, 32), torch.randn(4, 28))
    inputs = torch.randn(1, 3, 224, 224), torch.randn(1, 28)
    assert load("image-and-record").macs == macs(ImageAndRecord(), *inputs)
