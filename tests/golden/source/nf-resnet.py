# NF-ResNet-50: Brock et al. 2021 (arXiv 2101.08692); no norms, activations scaled to the variance
# they should have
# 25,557,032 parameters, 4,089,184,256 multiply-adds for one 3x224x224 input.
# Written by resgraph.

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class GlobalAvgPool(nn.Module):
    """The average of each channel: a map becomes a vector."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class ScaledStandardizedConv2d(nn.Conv2d):
    """A convolution of filters that are standardized, divided by the root of their fan-in, and
    multiplied by `gamma` and a learned gain."""

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(width_in, width, kernel_size, stride, padding, dilation, groups, bias)
        self.gain = nn.Parameter(torch.ones(width, 1, 1, 1))
        self.factor = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if hasattr(self, "gain"):  # not yet when nn.Conv2d calls this
            nn.init.ones_(self.gain)

    def filters(self) -> torch.Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        scale: torch.Tensor = self.gain * self.factor * (variance + self.eps).rsqrt()
        return (self.weight - mean) * scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.filters()
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)


def sequential_from(first, *modules):
    """A Sequential that counts from `first`: the places before belong to what learns nothing."""
    places = (str(place) for place in range(first, first + len(modules)))
    return nn.Sequential(OrderedDict(zip(places, modules, strict=True)))


def conv(width_in, width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=ScaledStandardizedConv2d(
                width_in, width, kernel_size, stride, kernel_size // 2, gamma=1.7128585504496627
            )
        )
    )


def conv_relu(width_in, width, kernel_size, stride=1):
    return nn.Sequential(
        OrderedDict(
            conv=ScaledStandardizedConv2d(
                width_in, width, kernel_size, stride, kernel_size // 2, gamma=1.7128585504496627
            ),
            relu=nn.ReLU(inplace=True),
        )
    )


class NFProjection(nn.Module):
    """0.2*body + shortcut

    Block `nf`, with its shortcut as written in the spec.
    """

    def __init__(self):
        super().__init__()
        self.pre = nn.ModuleDict(OrderedDict(relu=nn.ReLU()))
        self.body = sequential_from(
            1,
            conv_relu(64, 64, kernel_size=1),
            conv_relu(64, 64, kernel_size=3),
            conv(64, 256, kernel_size=1),
        )
        self.shortcut = sequential_from(2, conv(64, 256, kernel_size=1))

    def forward(self, x):
        pre = self.pre.relu(x) / 1
        return 0.2 * self.body(pre) + self.shortcut(pre)


class NF(nn.Module):
    """0.2*body + shortcut

    Block `nf`, with the identity as its shortcut.
    """

    def __init__(self, width_in, width, divisor):
        super().__init__()
        self.divisor = divisor
        self.pre = nn.ModuleDict(OrderedDict(relu=nn.ReLU()))
        self.body = sequential_from(
            1,
            conv_relu(width_in, width, kernel_size=1),
            conv_relu(width, width, kernel_size=3),
            conv(width, width_in, kernel_size=1),
        )

    def forward(self, x):
        return 0.2 * self.body(self.pre.relu(x) / self.divisor) + x


class NFProjection2(nn.Module):
    """0.2*body + shortcut

    Block `nf`, with its shortcut as written in the spec.
    """

    def __init__(self, width_in, width, width_out, divisor):
        super().__init__()
        self.divisor = divisor
        self.pre = nn.ModuleDict(OrderedDict(relu=nn.ReLU()))
        self.body = sequential_from(
            1,
            conv_relu(width_in, width, kernel_size=1),
            conv_relu(width, width, kernel_size=3, stride=2),
            conv(width, width_out, kernel_size=1),
        )
        self.shortcut = sequential_from(
            1,
            nn.AvgPool2d(kernel_size=2, ceil_mode=True),
            conv(width_in, width_out, kernel_size=1),
        )

    def forward(self, x):
        pre = self.pre.relu(x) / self.divisor
        return 0.2 * self.body(pre) + self.shortcut(pre)


class NFResNet50(nn.Module):
    """(batch, 3, 224, 224) → (batch, 1000)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(
            conv(3, 64, kernel_size=7, stride=2),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.conv2 = nn.Sequential(
            NFProjection(),
            NF(256, 64, divisor=1.019803902718557),
            NF(256, 64, divisor=1.0392304845413265),
        )
        self.conv3 = nn.Sequential(
            NFProjection2(256, 128, 512, divisor=1.0583005244258363),
            *(
                NF(512, 128, divisor=divisor)
                for divisor in (1.019803902718557, 1.0392304845413265, 1.0583005244258363)
            ),
        )
        self.conv4 = nn.Sequential(
            NFProjection2(512, 256, 1024, divisor=1.0770329614269007),
            NF(1024, 256, divisor=1.019803902718557),
            NF(1024, 256, divisor=1.0392304845413265),
            NF(1024, 256, divisor=1.0583005244258363),
            NF(1024, 256, divisor=1.0770329614269007),
            NF(1024, 256, divisor=1.0954451150103321),
        )
        self.conv5 = nn.Sequential(
            NFProjection2(1024, 512, 2048, divisor=1.1135528725660044),
            NF(2048, 512, divisor=1.019803902718557),
            NF(2048, 512, divisor=1.0392304845413265),
        )
        self.head = nn.Sequential(nn.ReLU(), GlobalAvgPool(), nn.Linear(2048, 1000))
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
            if isinstance(module, ScaledStandardizedConv2d):
                module.reset_parameters()
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
