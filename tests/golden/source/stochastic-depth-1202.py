# resnet-1202: Huang et al. 2016 (arXiv 1603.09382), section 3; block l of L survives with 1 -
# l/L*(1 - 0.5)
# 19,421,274 parameters, 2,829,238,912 multiply-adds for one 3x32x32 input.
# Written by resgraph.

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class DropPath(nn.Module):
    """Stochastic depth: in training an image is dropped with probability `rate`, the rest grow."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.dim() - 1)).bernoulli_(1 - self.rate)
        return x * kept / (1 - self.rate)

    def extra_repr(self) -> str:
        return f"{self.rate}"


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class ZeroPadShortcut(nn.Module):
    """Every stride-th cell, with zero channels after the last, or `centered`, half of them before
    the first: a shortcut that learns nothing.

    `axes` are those of a map, 2; a vector has 0."""

    def __init__(
        self,
        width_in: int,
        width: int,
        stride: int | tuple[int, ...] = 1,
        axes: int = 2,
        centered: bool = False,
    ) -> None:
        super().__init__()
        self.more = width - width_in
        self.before = self.more // 2 if centered else 0
        self.stride = stride
        self.axes = axes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride != 1:
            if self.axes == 1:
                x = F.avg_pool1d(x, 1, self.stride)
            elif self.axes == 2:
                x = F.avg_pool2d(x, 1, self.stride)
            elif self.axes == 3:
                x = F.avg_pool3d(x, 1, self.stride)
        return F.pad(x, [0, 0] * self.axes + [self.before, self.more - self.before])

    def extra_repr(self) -> str:
        return f"{self.more} more channels, stride={self.stride}"


def conv_bn_relu(width_in, width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, stride, kernel_size // 2, bias=False),
            bn=nn.BatchNorm2d(width),
            relu=nn.ReLU(inplace=True),
        )
    )


def conv_bn(width_in, width, kernel_size):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, padding=kernel_size // 2, bias=False),
            bn=nn.BatchNorm2d(width),
        )
    )


class Pair(nn.Module):
    """relu(body + shortcut)

    Block `pair`, with the identity as its shortcut.
    """

    def __init__(self, width, rate):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu(width, width, kernel_size=3),
            conv_bn(width, width, kernel_size=3),
            DropPath(rate),
        )
        self.merge = nn.Sequential(OrderedDict(relu=nn.ReLU(inplace=True)))

    def forward(self, x):
        return self.merge(self.body(x) + x)


class PairZeroPad(nn.Module):
    """relu(body + shortcut)

    Block `pair`, with a zero-padded identity as its shortcut.
    """

    def __init__(self, width_in, width, rate):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu(width_in, width, kernel_size=3, stride=2),
            conv_bn(width, width, kernel_size=3),
            DropPath(rate),
        )
        self.shortcut = ZeroPadShortcut(width_in, width, stride=2)
        self.merge = nn.Sequential(OrderedDict(relu=nn.ReLU(inplace=True)))

    def forward(self, x):
        return self.merge(self.body(x) + self.shortcut(x))


class ResNet1202(nn.Module):
    """(batch, 3, 32, 32) → (batch, 10)"""

    def __init__(self):
        super().__init__()
        self.conv1 = conv_bn_relu(3, 16, kernel_size=3)
        self.conv2 = nn.Sequential(*(Pair(16, rate=i / 1200) for i in range(1, 201)))
        self.conv3 = nn.Sequential(
            PairZeroPad(16, 32, rate=0.1675),
            *(Pair(32, rate=i / 1200) for i in range(202, 401)),
        )
        self.conv4 = nn.Sequential(
            PairZeroPad(32, 64, rate=0.33416666666666667),
            *(Pair(64, rate=i / 1200) for i in range(402, 601)),
        )
        self.head = nn.Sequential(GlobalAvgPool(), nn.Linear(64, 10))
        self.reset_parameters()

    def forward(self, x):
        x = self.conv1(x)
        x = self.conv2(x)
        x = self.conv3(x)
        x = self.conv4(x)
        return self.head(x)

    def reset_parameters(self):
        """Start values: He et al. 2015 for convolutions, torch's own for the rest."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
