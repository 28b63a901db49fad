# Residual U-Net: Zhang et al. 2017 (arXiv 1711.10684), Table 1; rows that read the rows of the way
# down
# 8,216,769 parameters, 34,627,059,712 multiply-adds for one 3x224x224 input.
# Written by resgraph.

from collections import OrderedDict

import torch
from torch import nn


def sequential_from(first, *modules):
    """A Sequential that counts from `first`: the places before belong to what learns nothing."""
    places = (str(place) for place in range(first, first + len(modules)))
    return nn.Sequential(OrderedDict(zip(places, modules, strict=True)))


def conv(width_in, width, kernel_size, stride=1, bias=True):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(width_in, width, kernel_size, stride, kernel_size // 2, bias=bias)
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


class First(nn.Module):
    """body + shortcut

    Block `first`, with its shortcut as written in the spec.
    """

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 64, kernel_size=3, bias=False),
            bn_relu_conv(64, 64, kernel_size=3),
        )
        self.shortcut = conv(3, 64, kernel_size=1, bias=False)

    def forward(self, x):
        out = self.body(x)
        out += self.shortcut(x)
        return out


class PreActBasic(nn.Module):
    """body + shortcut

    Block `preact-basic`, with its shortcut as written in the spec.
    """

    def __init__(self, width_in, width, stride=1):
        super().__init__()
        self.pre = nn.Sequential(nn.BatchNorm2d(width_in), nn.ReLU(inplace=True))
        self.body = sequential_from(
            1,
            conv(width_in, width, kernel_size=3, stride=stride, bias=False),
            bn_relu_conv(width, width, kernel_size=3),
        )
        self.shortcut = sequential_from(
            1,
            conv(width_in, width, kernel_size=1, stride=stride, bias=False),
        )

    def forward(self, x):
        pre = self.pre(x)
        out = self.body(pre)
        out += self.shortcut(pre)
        return out


class ResidualUNet(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1, 224, 224)"""

    def __init__(self):
        super().__init__()
        self.down1 = First()
        self.down2 = PreActBasic(64, 128, stride=2)
        self.down3 = PreActBasic(128, 256, stride=2)
        self.bridge = nn.Sequential(PreActBasic(256, 512, stride=2), nn.Upsample(scale_factor=2))
        self.up3 = sequential_from(1, PreActBasic(768, 256), nn.Upsample(scale_factor=2))
        self.up2 = sequential_from(1, PreActBasic(384, 128), nn.Upsample(scale_factor=2))
        self.up1 = sequential_from(1, PreActBasic(192, 64))
        self.mask = nn.Sequential(conv(64, 1, kernel_size=1), nn.Sigmoid())
        self.reset_parameters()

    def forward(self, x):
        down1 = self.down1(x)
        down2 = self.down2(down1)
        down3 = self.down3(down2)
        x = self.bridge(down3)
        x = self.up3(torch.cat([x, down3], dim=1))
        x = self.up2(torch.cat([x, down2], dim=1))
        x = self.up1(torch.cat([x, down1], dim=1))
        return self.mask(x)

    def reset_parameters(self):
        """Start values: He et al. 2015 for convolutions, torch's own for the rest."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
