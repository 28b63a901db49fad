# densenet-121: Huang et al. 2016 (arXiv 1608.06993), Table 1; every layer hands k channels to all
# that follow
# 7,978,856 parameters, 2,834,161,664 multiply-adds for one 3x224x224 input.
# Written by resgraph.

from collections import OrderedDict

import torch
from torch import nn


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def conv_bn_relu(width_in, width, kernel_size):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(
                width_in, width, kernel_size, stride=2, padding=kernel_size // 2, bias=False
            ),
            bn=nn.BatchNorm2d(width),
            relu=nn.ReLU(inplace=True),
        )
    )


def bn_relu_conv(width_in, width, kernel_size):
    return nn.Sequential(
        OrderedDict(
            bn=nn.BatchNorm2d(width_in),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(width_in, width, kernel_size, padding=kernel_size // 2, bias=False),
        )
    )


class DenseLayer(nn.Module):
    """concat(x body)

    Block `dense-layer`.
    """

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            bn_relu_conv(width, 128, kernel_size=1),
            bn_relu_conv(128, 32, kernel_size=3),
        )

    def forward(self, x):
        return torch.cat([x, self.body(x)], dim=1)


class DenseTransition(nn.Sequential):
    """Block `dense-transition`."""

    def __init__(self, width_in, width):
        super().__init__(bn_relu_conv(width_in, width, kernel_size=1), nn.AvgPool2d(kernel_size=2))


class HeadPreAct(nn.Sequential):
    """Block `head-preact`."""

    def __init__(self):
        super().__init__(
            nn.BatchNorm2d(1024),
            nn.ReLU(inplace=True),
            GlobalAvgPool(),
            nn.Linear(1024, 1000),
        )


class DenseNet121(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1000)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(
            conv_bn_relu(3, 64, kernel_size=7),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.dense1 = nn.Sequential(*(DenseLayer(width) for width in range(64, 256, 32)))
        self.trans1 = DenseTransition(256, 128)
        self.dense2 = nn.Sequential(*(DenseLayer(width) for width in range(128, 512, 32)))
        self.trans2 = DenseTransition(512, 256)
        self.dense3 = nn.Sequential(*(DenseLayer(width) for width in range(256, 1024, 32)))
        self.trans3 = DenseTransition(1024, 512)
        self.dense4 = nn.Sequential(*(DenseLayer(width) for width in range(512, 1024, 32)))
        self.head = HeadPreAct()
        self.reset_parameters()

    def forward(self, x):
        x = self.conv1(x)
        x = self.dense1(x)
        x = self.trans1(x)
        x = self.dense2(x)
        x = self.trans2(x)
        x = self.dense3(x)
        x = self.trans3(x)
        x = self.dense4(x)
        return self.head(x)

    def reset_parameters(self):
        """Start values: He et al. 2015 for convolutions, torch's own for the rest."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
