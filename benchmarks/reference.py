"""What resgraph is measured against: nets of torchvision and timm where they can be imported, else
the same by hand.

Torchvision's wheels hold operators that are compiled for one build of torch; beside another,
`import torchvision` fails where Python registers their shapes. None of them (nms, roi_align, ...)
is in a classification net, so they are declared here, without an implementation, and the import
then works: what is measured is torchvision's Python, as it is."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


@cache
def torchvision() -> Any | None:
    """The package, or None where it is not installed."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return None
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [
            name
            for name in sys.modules
            if name.partition(".")[0] == "torchvision"
        ]:
            del sys.modules[name]
        _declare(
            Path(spec.origin)
            .with_name("_meta_registrations.py")
            .read_text(encoding="utf-8")
        )
        return importlib.import_module("torchvision")


def _declare(text: str) -> None:
    """Declare the operators whose shapes a text of torchvision's registers."""
    for name in dict.fromkeys(
        re.findall(
            r'register_(?:meta|fake)\("(?:torchvision::)?(\w+)"\)', text
        )
    ):
        if not hasattr(torch.ops.torchvision, name):
            _DECLARED.define(f"{name}(Tensor x) -> Tensor")


# declarations hold as long as this object
_DECLARED = torch.library.Library("torchvision", "FRAGMENT")


@cache
def timm() -> Any | None:
    """The package, or None where it, or what it imports, is not installed."""
    if torchvision() is None:
        return None
    try:
        # where it says what it could not import
        with redirect_stdout(sys.stderr):
            import timm as package
    except ImportError:
        return None
    return package


def reference(name: str) -> tuple[str, Callable[[], nn.Module]]:
    """A net of the papers by its name in specs (`resnet-50`, `cifar/resnet-20`): whose it is, and
    what makes it."""
    family, _, depth = name.rpartition("-")
    if family == "cifar/resnet":
        return "by hand", lambda: CifarResNet(int(depth))
    package = torchvision()
    if package is not None:
        return "torchvision", getattr(package.models, name.replace("-", ""))
    if family != "resnet":
        raise SystemExit(
            f"{name} needs torchvision: pip install --no-deps torchvision==0.28.0"
        )
    return "by hand", lambda: ResNet(*BY_HAND[int(depth)])


class Basic(nn.Module):
    """Two 3x3 convolutions, as one writes them; `pad` for the parameter-free shortcut of the CIFAR
    nets."""

    def __init__(
        self, into: int, out: int, stride: int, *, pad: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.stride, self.more = stride, out - into
        self.down = None if pad else _down(into, out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.down is not None:
            x = self.down(x)
        elif self.more:
            x = F.pad(
                x[:, :, :: self.stride, :: self.stride],
                (0, 0, 0, 0, 0, self.more),
            )
        y += x
        return self.relu(y)


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        width = out // 4
        self.conv1 = nn.Conv2d(into, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.down = _down(into, out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.down is not None:
            x = self.down(x)
        y += x
        return self.relu(y)


def _down(into: int, out: int, stride: int) -> nn.Module | None:
    if into == out and stride == 1:
        return None
    return nn.Sequential(
        nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out)
    )


BY_HAND: dict[int, tuple[type[nn.Module], int, tuple[int, ...]]] = {
    18: (Basic, 1, (2, 2, 2, 2)),
    50: (Bottleneck, 4, (3, 4, 6, 3)),
    101: (Bottleneck, 4, (3, 4, 23, 3)),
}


class ResNet(nn.Module):
    """He et al. 2015, Table 1, with the stride on the 3x3, as torchvision has it."""

    def __init__(
        self,
        block: Callable[..., nn.Module],
        factor: int,
        reps: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        blocks, into = [], 64
        for stage, count in enumerate(reps):
            for place in range(count):
                out = 64 * 2**stage * factor
                blocks.append(
                    block(into, out, 2 if stage and not place else 1)
                )
                into = out
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(into, 1000)
        _he(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(F.relu(self.bn1(self.conv1(x)), inplace=True))
        return self.fc(self.blocks(x).mean((2, 3)))


class CifarResNet(nn.Module):
    """He et al. 2015, section 4.2: depth 6n + 2, shortcuts without parameters."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks, into = [], 16
        for out in (16, 32, 64):
            for _ in range((depth - 2) // 6):
                blocks.append(
                    Basic(into, out, 1 if into == out else 2, pad=True)
                )
                into = out
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(64, 10)
        _he(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return self.fc(self.blocks(x).mean((2, 3)))


def _he(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, mode="fan_out", nonlinearity="relu"
            )
