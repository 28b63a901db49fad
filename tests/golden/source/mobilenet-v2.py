# MobileNetV2: Sandler et al. 2018 (arXiv 1801.04381), Table 2; the shortcut is the identity or
# nothing
# 3,504,872 parameters, 300,774,272 multiply-adds for one 3x224x224 input.
# Written by resgraph.

from collections import OrderedDict

import torch
from torch import nn


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def conv_bn_relu6(width_in, width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, stride, kernel_size // 2, bias=False),
            bn=nn.BatchNorm2d(width),
            relu6=nn.ReLU6(),
        )
    )


def depthwise_conv_bn_relu6(width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(
                width, width, kernel_size, stride, kernel_size // 2, groups=width, bias=False
            ),
            bn=nn.BatchNorm2d(width),
            relu6=nn.ReLU6(),
        )
    )


def conv_bn(width_in, width, kernel_size):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, padding=kernel_size // 2, bias=False),
            bn=nn.BatchNorm2d(width),
        )
    )


class InvertedResidualPlain(nn.Module):
    """body + shortcut

    Block `inverted-residual`, without its shortcut.
    """

    def __init__(self, width_in, width, width_out, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu6(width_in, width, kernel_size=1),
            depthwise_conv_bn_relu6(width, kernel_size=3, stride=stride),
            conv_bn(width, width_out, kernel_size=1),
        )

    def forward(self, x):
        return self.body(x)


class InvertedResidual(nn.Module):
    """body + shortcut

    Block `inverted-residual`, with the identity as its shortcut.
    """

    def __init__(self, width_in, width):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu6(width_in, width, kernel_size=1),
            depthwise_conv_bn_relu6(width, kernel_size=3),
            conv_bn(width, width_in, kernel_size=1),
        )

    def forward(self, x):
        out = self.body(x)
        out += x
        return out


class MobileNetV2(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1000)"""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn_relu6(3, 32, kernel_size=3, stride=2)
        self.s1 = nn.Sequential(
            depthwise_conv_bn_relu6(32, kernel_size=3),
            conv_bn(32, 16, kernel_size=1),
        )
        self.s2 = nn.Sequential(
            InvertedResidualPlain(16, 96, 24, stride=2),
            InvertedResidual(24, 144),
        )
        self.s3 = nn.Sequential(
            InvertedResidualPlain(24, 144, 32, stride=2),
            InvertedResidual(32, 192),
            InvertedResidual(32, 192),
        )
        self.s4 = nn.Sequential(
            InvertedResidualPlain(32, 192, 64, stride=2),
            *(InvertedResidual(64, 384) for _ in range(3)),
        )
        self.s5 = nn.Sequential(
            InvertedResidualPlain(64, 384, 96),
            InvertedResidual(96, 576),
            InvertedResidual(96, 576),
        )
        self.s6 = nn.Sequential(
            InvertedResidualPlain(96, 576, 160, stride=2),
            InvertedResidual(160, 960),
            InvertedResidual(160, 960),
        )
        self.s7 = InvertedResidualPlain(160, 960, 320)
        self.head = nn.Sequential(
            conv_bn_relu6(320, 1280, kernel_size=1),
            GlobalAvgPool(),
            nn.Dropout(0.2),
            nn.Linear(1280, 1000),
        )
        self.reset_parameters()

    def forward(self, x):
        x = self.stem(x)
        x = self.s1(x)
        x = self.s2(x)
        x = self.s3(x)
        x = self.s4(x)
        x = self.s5(x)
        x = self.s6(x)
        x = self.s7(x)
        return self.head(x)

    def reset_parameters(self):
        """Start values: He et al. 2015 for convolutions, a normal distribution for linear layers,
        torch's own for the rest.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
