# convnext-tiny: Liu et al. 2022 (arXiv 2201.03545), Table 9, as torchvision has it
# 28,589,128 parameters, 4,455,531,264 multiply-adds for one 3x224x224 input.
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


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of a map, at each place by itself."""

    def __init__(self, width: int, eps: float = 1e-5, bias: bool = True) -> None:
        super().__init__(width, eps, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.movedim(1, -1)
        y = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return y.movedim(-1, 1)


class ChannelScale(nn.Module):
    """A learned factor per channel, of a map with so many axes or (`axes=0`) of a vector."""

    def __init__(self, width: int, start: float = 1.0, axes: int = 2) -> None:
        super().__init__()
        self.start = start
        self.weight = nn.Parameter(torch.empty(width, *(1,) * axes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.start)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, start={self.start}"


def conv(width_in, width, kernel_size, stride=1):
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(width_in, width, kernel_size, stride)))


def depthwise_conv(width, kernel_size):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width, width, kernel_size, padding=kernel_size // 2, groups=width)
        )
    )


def conv_gelu(width_in, width, kernel_size):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, padding=kernel_size // 2),
            gelu=nn.GELU(),
        )
    )


class Stem4x4(nn.Sequential):
    """Block `stem-4x4`."""

    def __init__(self):
        super().__init__(conv(3, 96, kernel_size=4, stride=4), ChannelNorm(96, eps=1e-06))


class ConvNeXt(nn.Module):
    """body + x

    Block `convnext`.
    """

    def __init__(self, width_in, width, rate=0.0):
        super().__init__()
        self.body = nn.Sequential(
            depthwise_conv(width_in, kernel_size=7),
            ChannelNorm(width_in, eps=1e-06),
            conv_gelu(width_in, width, kernel_size=1),
            conv(width, width_in, kernel_size=1),
            ChannelScale(width_in, start=1e-06),
            DropPath(rate),
        )

    def forward(self, x):
        return self.body(x) + x


class ConvNeXtDown(nn.Sequential):
    """Block `convnext-down`."""

    def __init__(self, width_in, width):
        super().__init__(
            ChannelNorm(width_in, eps=1e-06),
            conv(width_in, width, kernel_size=2, stride=2),
        )


class ConvNeXtTiny(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1000)"""

    def __init__(self):
        super().__init__()
        self.stem = Stem4x4()
        self.s1 = nn.Sequential(*(ConvNeXt(96, 384, rate=i / 170) for i in range(3)))
        self.s2 = nn.Sequential(
            ConvNeXtDown(96, 192),
            *(ConvNeXt(192, 768, rate=i / 170) for i in range(3, 6)),
        )
        self.s3 = nn.Sequential(
            ConvNeXtDown(192, 384),
            *(ConvNeXt(384, 1536, rate=i / 170) for i in range(6, 15)),
        )
        self.s4 = nn.Sequential(
            ConvNeXtDown(384, 768),
            *(ConvNeXt(768, 3072, rate=i / 170) for i in range(15, 18)),
        )
        self.head = nn.Sequential(
            GlobalAvgPool(),
            nn.LayerNorm(768, eps=1e-06),
            nn.Linear(768, 1000),
        )
        self.reset_parameters()

    def forward(self, x):
        x = self.stem(x)
        x = self.s1(x)
        x = self.s2(x)
        x = self.s3(x)
        x = self.s4(x)
        return self.head(x)

    def reset_parameters(self):
        """Start values: a truncated normal distribution for convolutions and linear layers, torch's
        own for the rest.
        """
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
