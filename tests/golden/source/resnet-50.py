# resnet-50: He et al. 2015 (arXiv 1512.03385), stride on the 3x3; Wide ResNet (1605.07146); ResNeXt
# (1611.05431)
# 25,557,032 parameters, 4,089,184,256 multiply-adds for one 3x224x224 input.
# Written by resgraph.

from collections import OrderedDict

import torch
from torch import nn


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def conv_bn_relu(width_in, width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, stride, kernel_size // 2, bias=False),
            bn=nn.BatchNorm2d(width),
            relu=nn.ReLU(inplace=True),
        )
    )


def conv_bn(width_in, width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, stride, kernel_size // 2, bias=False),
            bn=nn.BatchNorm2d(width),
        )
    )


class BottleneckProjection(nn.Module):
    """relu(body + shortcut)

    Block `bottleneck`, with a projection as its shortcut.
    """

    def __init__(self, width_in, width, width_out, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu(width_in, width, kernel_size=1),
            conv_bn_relu(width, width, kernel_size=3, stride=stride),
            conv_bn(width, width_out, kernel_size=1),
        )
        self.shortcut = conv_bn(width_in, width_out, kernel_size=1, stride=stride)
        self.merge = nn.Sequential(OrderedDict(relu=nn.ReLU(inplace=True)))

    def forward(self, x):
        out = self.body(x)
        out += self.shortcut(x)
        return self.merge(out)


class Bottleneck(nn.Module):
    """relu(body + shortcut)

    Block `bottleneck`, with the identity as its shortcut.
    """

    def __init__(self, width_in, width):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu(width_in, width, kernel_size=1),
            conv_bn_relu(width, width, kernel_size=3),
            conv_bn(width, width_in, kernel_size=1),
        )
        self.merge = nn.Sequential(OrderedDict(relu=nn.ReLU(inplace=True)))

    def forward(self, x):
        out = self.body(x)
        out += x
        return self.merge(out)


class ResNet50(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1000)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(
            conv_bn_relu(3, 64, kernel_size=7, stride=2),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.conv2 = nn.Sequential(
            BottleneckProjection(64, 64, 256),
            Bottleneck(256, 64),
            Bottleneck(256, 64),
        )
        self.conv3 = nn.Sequential(
            BottleneckProjection(256, 128, 512, stride=2),
            *(Bottleneck(512, 128) for _ in range(3)),
        )
        self.conv4 = nn.Sequential(
            BottleneckProjection(512, 256, 1024, stride=2),
            *(Bottleneck(1024, 256) for _ in range(5)),
        )
        self.conv5 = nn.Sequential(
            BottleneckProjection(1024, 512, 2048, stride=2),
            Bottleneck(2048, 512),
            Bottleneck(2048, 512),
        )
        self.head = nn.Sequential(GlobalAvgPool(), nn.Linear(2048, 1000))
        self.reset_parameters()

    def forward(self, x):
        x = self.conv1(x)
        x = self.conv2(x)
        x = self.conv3(x)
        x = self.conv4(x)
        x = self.conv5(x)
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
