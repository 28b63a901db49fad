"""Small models as people write them in PyTorch, each a few layers of a paper's net."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph.importing import Imported


def conv_bn(
    width_in: int, width: int, kernel: int = 3, **options: int
) -> nn.Sequential:
    conv = nn.Conv2d(
        width_in, width, kernel, padding=kernel // 2, bias=False, **options
    )
    return nn.Sequential(conv, nn.BatchNorm2d(width))


class Basic(nn.Module):
    """He et al. 2015, Figure 5 left."""

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.one = conv_bn(width_in, width, stride=stride)
        self.two = conv_bn(width, width)
        changes = stride > 1 or width_in != width
        self.down = (
            conv_bn(width_in, width, 1, stride=stride) if changes else None
        )

    def forward(self, x: Tensor) -> Tensor:
        body = self.two(F.relu_(self.one(x)))
        body += self.down(x) if self.down else x
        return F.relu(body)


class OptionA(Basic):
    """The same with a shortcut that pads with zero channels."""

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__(width_in, width, stride)
        self.more = width - width_in
        self.down = None

    def forward(self, x: Tensor) -> Tensor:
        body = self.two(F.relu(self.one(x)))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.more))
        return F.relu(body + x)


class PreAct(nn.Module):
    """He et al. 2016, Figure 4 (e)."""

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1, self.norm2 = (
            nn.BatchNorm2d(width_in),
            nn.BatchNorm2d(width),
        )
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        changes = stride > 1 or width_in != width
        self.down = nn.Conv2d(width_in, width, 1, stride, bias=False)
        self.down = self.down if changes else None

    def forward(self, x: Tensor) -> Tensor:
        own = F.relu(self.norm1(x))
        kept = self.down(own) if self.down else x
        return self.conv2(F.relu(self.norm2(self.conv1(own)))) + kept


class Inverted(nn.Module):
    """Sandler et al. 2018, Figure 4 (d)."""

    def __init__(
        self, width_in: int, width: int, stride: int = 1, kernel: int = 3
    ) -> None:
        super().__init__()
        inner = 6 * width_in
        self.body = nn.Sequential(
            conv_bn(width_in, inner, 1),
            nn.ReLU6(),
            conv_bn(inner, inner, kernel, stride=stride, groups=inner),
            nn.ReLU6(),
            conv_bn(inner, width, 1),
        )
        self.same = stride == 1 and width_in == width

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.same else self.body(x)


class Gated(Basic):
    """Hu et al. 2017, Figure 3; with 1x1 convolutions of one cell, as timm has it."""

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__(width_in, width, stride)
        self.squeeze = nn.Conv2d(width, 8, 1)
        self.excite = nn.Conv2d(8, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        body = self.two(F.relu(self.one(x)))
        s = self.squeeze(body.mean((2, 3), keepdim=True))
        body = body * torch.sigmoid(self.excite(F.relu(s)))
        return F.relu(body + (self.down(x) if self.down else x))


class Dense(nn.Module):
    """Huang et al. 2016: each layer reads all before it."""

    def __init__(self, width_in: int, layers: int) -> None:
        super().__init__()
        widths = [width_in + 4 * n for n in range(layers)]
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width) for width in widths
        )
        self.convs = nn.ModuleList(
            nn.Conv2d(width, 4, 3, padding=1, bias=False)
            for width in widths
        )

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for norm, conv in zip(self.norms, self.convs, strict=True):
            found.append(conv(F.relu(norm(torch.cat(found, 1)))))
        return torch.cat(found, 1)


class Split(nn.Module):
    """Zhang et al. 2020 (ResNeSt), Figure 2: two 3x3 convolutions weighed against each other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.both = conv_bn(width, 2 * width, groups=2)
        self.down, self.norm = nn.Conv2d(width, 8, 1), nn.BatchNorm2d(8)
        self.up = nn.Conv2d(8, 2 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        both = F.relu(self.both(x))
        batch, width, *size = both.shape
        parts = both.reshape(batch, 2, width // 2, *size)
        a = F.adaptive_avg_pool2d(parts.sum(1), 1)
        a = self.up(F.relu(self.norm(self.down(a))))
        a = (
            a.view(batch, 1, 2, -1)
            .transpose(1, 2)
            .softmax(1)
            .reshape(batch, -1, 1, 1)
        )
        return (parts * a.reshape(batch, 2, width // 2, 1, 1)).sum(1)


class Shuffled(nn.Module):
    """Ma et al. 2018 (ShuffleNet v2), Figure 3 (c)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(width // 2, width // 2, 1), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, 1)
        out = torch.cat([left, self.body(right)], 1)
        batch, width, *size = out.shape
        out = (
            out.view(batch, 2, width // 2, *size)
            .transpose(1, 2)
            .contiguous()
        )
        return out.view(batch, width, *size)


class Next(nn.Module):
    """Liu et al. 2022 (ConvNeXt), Figure 4, channels last in the middle."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.wide, self.narrow = (
            nn.Linear(width, 4 * width),
            nn.Linear(4 * width, width),
        )
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.gamma * self.narrow(F.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)


def tail(width: int) -> nn.Module:
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)
    )


def stem(width: int) -> nn.Module:
    return nn.Sequential(conv_bn(3, width), nn.ReLU())


def stages(block: type[nn.Module]) -> nn.Sequential:
    """Two stages of two blocks, 16 and 32 wide."""
    layer1 = nn.Sequential(block(16, 16), block(16, 16))
    layer2 = nn.Sequential(block(16, 32, 2), block(32, 32))
    net = nn.Sequential()
    for name, part in (
        *(("stem", stem(16)), ("layer1", layer1)),
        *(("layer2", layer2), ("head", tail(32))),
    ):
        net.add_module(name, part)
    return net


def chain(*blocks: nn.Module, width: int = 16) -> nn.Sequential:
    return nn.Sequential(stem(16), *blocks, tail(width))


def proven(found: Imported, model: nn.Module) -> str:
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert (
        found.proof.gradients is not None and found.proof.gradients <= 1e-9
    )
    assert found.plan.params == sum(p.numel() for p in model.parameters())
    return found.text


def lines(text: str) -> dict[str, str]:
    """The rows of a file by name."""
    rows = text.partition("\nnet:\n")[2].partition("\n\n")[0].splitlines()
    return {
        name.strip(): said.strip() for name, _, said in map(_parted, rows)
    }


def _parted(row: str) -> tuple[str, str, str]:
    return row.partition(":")
