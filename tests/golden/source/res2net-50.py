# res2net-50: Gao et al. 2019 (arXiv 1904.01169), 26w x 4s
# 25,699,120 parameters, 4,255,166,464 multiply-adds for one 3x224x224 input.
# Written by resgraph.

from collections import OrderedDict

import torch
from torch import nn


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class Part(nn.Module):
    """One of `parts` equal parts of the channels, counted from 0."""

    def __init__(self, which: int, parts: int) -> None:
        super().__init__()
        self.which = which
        self.parts = parts

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.chunk(self.parts, dim=1)[self.which]

    def extra_repr(self) -> str:
        return f"{self.which} of {self.parts}"


def sequential_from(first, *modules):
    """A Sequential that counts from `first`: the places before belong to what learns nothing."""
    places = (str(place) for place in range(first, first + len(modules)))
    return nn.Sequential(OrderedDict(zip(places, modules, strict=True)))


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


class Res2NetFirst(nn.Module):
    """relu(body + shortcut)

    Block `res2net-first`, with a projection as its shortcut.
    """

    def __init__(self, width_in, width, width2, width_out, stride=1):
        super().__init__()
        self.cut = conv_bn_relu(width_in, width, kernel_size=1)
        self.y0 = sequential_from(
            1,
            Part(0, 4),
            conv_bn_relu(width2, width2, kernel_size=3, stride=stride),
        )
        self.y1 = sequential_from(
            1,
            Part(1, 4),
            conv_bn_relu(width2, width2, kernel_size=3, stride=stride),
        )
        self.y2 = sequential_from(
            1,
            Part(2, 4),
            conv_bn_relu(width2, width2, kernel_size=3, stride=stride),
        )
        self.y3 = sequential_from(
            1,
            Part(3, 4),
            nn.AvgPool2d(kernel_size=3, stride=stride, padding=1),
        )
        self.body = sequential_from(1, conv_bn(width, width_out, kernel_size=1))
        self.shortcut = conv_bn(width_in, width_out, kernel_size=1, stride=stride)
        self.merge = nn.Sequential(OrderedDict(relu=nn.ReLU(inplace=True)))

    def forward(self, x):
        cut = self.cut(x)
        out = self.body(torch.cat([self.y0(cut), self.y1(cut), self.y2(cut), self.y3(cut)], dim=1))
        out += self.shortcut(x)
        return self.merge(out)


class Res2Net(nn.Module):
    """relu(body + shortcut)

    Block `res2net`, with the identity as its shortcut.
    """

    def __init__(self, width_in, width, width2):
        super().__init__()
        self.cut = conv_bn_relu(width_in, width, kernel_size=1)
        self.y0 = sequential_from(1, Part(0, 4), conv_bn_relu(width2, width2, kernel_size=3))
        self.p1 = sequential_from(1, Part(1, 4))
        self.p2 = sequential_from(1, Part(2, 4))
        self.y1 = sequential_from(1, conv_bn_relu(width2, width2, kernel_size=3))
        self.y2 = sequential_from(1, conv_bn_relu(width2, width2, kernel_size=3))
        self.y3 = sequential_from(1, Part(3, 4))
        self.body = sequential_from(1, conv_bn(width, width_in, kernel_size=1))
        self.merge = nn.Sequential(OrderedDict(relu=nn.ReLU(inplace=True)))

    def forward(self, x):
        cut = self.cut(x)
        y0 = self.y0(cut)
        y1 = self.y1(y0 + self.p1(cut))
        out = self.body(torch.cat([y0, y1, self.y2(y1 + self.p2(cut)), self.y3(cut)], dim=1))
        out += x
        return self.merge(out)


class Res2Net50(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1000)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(
            conv_bn_relu(3, 64, kernel_size=7, stride=2),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.conv2 = nn.Sequential(
            Res2NetFirst(64, 104, 26, 256),
            Res2Net(256, 104, 26),
            Res2Net(256, 104, 26),
        )
        self.conv3 = nn.Sequential(
            Res2NetFirst(256, 208, 52, 512, stride=2),
            *(Res2Net(512, 208, 52) for _ in range(3)),
        )
        self.conv4 = nn.Sequential(
            Res2NetFirst(512, 416, 104, 1024, stride=2),
            *(Res2Net(1024, 416, 104) for _ in range(5)),
        )
        self.conv5 = nn.Sequential(
            Res2NetFirst(1024, 832, 208, 2048, stride=2),
            Res2Net(2048, 832, 208),
            Res2Net(2048, 832, 208),
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
