"""Nets of several inputs, of shared weights and of several streams, against the same nets written out in torch."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resgraph

from .agreement import PART, agreeing, sized, thin
from .test_zoo import ROOT


def load(name: str, *overrides: str) -> resgraph.Plan:
    return resgraph.load(ROOT / f"specs/{name}.yaml", overrides)


def unit(
    into: int, out: int, kernel: int, stride: int = 1
) -> nn.Sequential:
    conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out))


class Bottleneck(nn.Module):
    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.one, self.two = (
            unit(into, out // 4, 1),
            unit(out // 4, out // 4, 3, stride),
        )
        self.three = unit(out // 4, out, 1)
        self.shortcut = (
            unit(into, out, 1, stride)
            if (into, stride) != (out, 1)
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.three(self.two(self.one(x).relu()).relu())
        return torch.relu(y + self.shortcut(x))


def blocks(
    make: Callable[..., nn.Module],
    into: int,
    out: int,
    count: int,
    stride: int = 1,
) -> nn.Sequential:
    return nn.Sequential(
        make(into, out, stride), *(make(out, out) for _ in range(count - 1))
    )


class ResNet50(nn.Module):
    def __init__(self, part: int = 1) -> None:
        super().__init__()
        a, b, c, d, e = (w // part for w in (64, 256, 512, 1024, 2048))
        self.stem = unit(3, a, 7, 2)
        self.one = blocks(Bottleneck, a, b, 3)
        self.two = blocks(Bottleneck, b, c, 4, 2)
        self.three = blocks(Bottleneck, c, d, 6, 2)
        self.four = blocks(Bottleneck, d, e, 3, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.one(F.max_pool2d(self.stem(x).relu(), 3, 2, 1))]
        for stage in (self.two, self.three, self.four):
            maps.append(stage(maps[-1]))
        return maps


class ImageAndRecord(nn.Module):
    def __init__(self, part: int = 1) -> None:
        super().__init__()
        self.encoder = ResNet50(part)
        self.reduce = nn.Sequential(
            nn.Linear(2048 // part, 90, bias=False),
            nn.BatchNorm1d(90),
            nn.ReLU(),
        )
        self.head = nn.Linear(118, 6)

    def forward(self, image: Tensor, record: Tensor) -> Tensor:
        x = self.reduce(self.encoder(image)[-1].mean((2, 3)))
        return self.head(torch.cat([x, record], 1))


def test_an_image_and_a_record() -> None:
    small = thin(
        "image-and-record",
        "input.image=3x32x32",
        "net.reduce=[global avg pool, fc 90 bias none, bn, relu]",
    )
    agreeing(
        small,
        ImageAndRecord(PART),
        torch.randn(4, 3, 32, 32),
        torch.randn(4, 28),
    )
    inputs = torch.randn(1, 3, 224, 224), torch.randn(1, 28)
    sized(load("image-and-record"), ImageAndRecord, *inputs)


def mlp(into: int, *widths: int, last: bool) -> nn.Sequential:
    """Linear layers with norms and ReLUs; the last without ReLU, and with a norm if `last`."""
    layers: list[nn.Module] = []
    for place, width in enumerate(widths, 1):
        end = place == len(widths)
        layers.append(nn.Linear(into, width, bias=end and not last))
        layers += [nn.BatchNorm1d(width)] * (last or not end)
        layers += [nn.ReLU()] * (not end)
        into = width
    return nn.Sequential(*layers)


class SimSiam(nn.Module):
    def __init__(self, part: int = 1) -> None:
        super().__init__()
        few, many = 512 // part, 2048 // part
        self.encoder = ResNet50(part)
        self.projector = mlp(many, many, many, many, last=True)
        self.predictor = mlp(many, few, many, last=False)

    def forward(self, one: Tensor, two: Tensor) -> list[Tensor]:
        z = [
            self.projector(self.encoder(x)[-1].mean((2, 3)))
            for x in (one, two)
        ]
        return [*map(self.predictor, z), *z]


def test_a_siamese_pair() -> None:
    small = thin("simsiam", "input.view1=3x32x32", "input.view2=3x32x32")
    views = torch.randn(4, 3, 32, 32), torch.randn(4, 3, 32, 32)
    agreeing(small, SimSiam(PART), *views)
    views = torch.randn(1, 3, 224, 224), torch.randn(1, 3, 224, 224)
    sized(load("simsiam"), SimSiam, *views)


class Basic(nn.Module):
    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.one, self.two = unit(into, out, 3, stride), unit(out, out, 3)
        self.shortcut = (
            nn.Identity() if into == out else unit(into, out, 1, stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.two(self.one(x).relu()) + self.shortcut(x))


class RecurrentResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first = unit(3, 16, 3), Basic(16, 16)
        self.down3, self.second = Basic(16, 32, 2), Basic(32, 32)
        self.down4, self.third = Basic(32, 64, 2), Basic(64, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        for _ in range(5):
            x = self.first(x)
        x = self.down3(x)
        for _ in range(4):
            x = self.second(x)
        x = self.down4(x)
        for _ in range(4):
            x = self.third(x)
        return self.head(x.mean((2, 3)))


def test_a_recurrent_resnet() -> None:
    plan, image = load("recurrent-resnet"), torch.randn(4, 3, 32, 32)
    agreeing(plan, RecurrentResNet(), image)
    sized(plan, RecurrentResNet, image[:1])


def tower(width: int, out: int) -> nn.Sequential:
    layers = [
        nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ReLU())
        for _ in range(4)
    ]
    return nn.Sequential(*layers, nn.Conv2d(width, out, 3, 1, 1))


class RetinaNet(nn.Module):
    def __init__(self, part: int = 1) -> None:
        super().__init__()
        width = 256 // part
        self.body = ResNet50(part)
        self.inner = nn.ModuleList(
            nn.Conv2d(w // part, width, 1) for w in (2048, 1024, 512)
        )
        self.levels = nn.ModuleList(
            nn.Conv2d(width, width, 3, 1, 1) for _ in range(3)
        )
        self.more = nn.ModuleList(
            nn.Conv2d(width, width, 3, 2, 1) for _ in range(2)
        )
        self.classes, self.boxes = (
            tower(width, 9 * 91),
            tower(width, 9 * 4),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        m5, m4, m3 = (
            conv(y)
            for conv, y in zip(self.inner, self.body(x)[:0:-1], strict=True)
        )
        m4 = m4 + F.interpolate(m5, scale_factor=2)
        m3 = m3 + F.interpolate(m4, scale_factor=2)
        pyramid = [
            conv(y)
            for conv, y in zip(self.levels, (m3, m4, m5), strict=True)
        ]
        pyramid.append(self.more[0](pyramid[-1]))
        pyramid.append(self.more[1](pyramid[-1].relu()))
        return [*map(self.classes, pyramid), *map(self.boxes, pyramid)]


def test_heads_over_several_maps() -> None:
    small = thin("retinanet", "input=3x64x64")
    image = torch.randn(2, 3, 64, 64)
    agreeing(small, RetinaNet(PART), image)
    sized(load("retinanet"), RetinaNet, torch.randn(1, 3, 224, 224))
    # torchvision's retinanet_resnet50_fpn (0.28), whose frozen norms have no parameters
    norms = sum(
        p.numel()
        for m in ResNet50().modules()
        if isinstance(m, nn.BatchNorm2d)
        for p in m.parameters()
    )
    assert load("retinanet").params == 34_014_999 + norms


def before(x: Tensor, cells: int) -> Tensor:
    """A sequence with zeros before it, and no more behind it."""
    return torch.cat([x.new_zeros(*x.shape[:2], cells), x], 2)


class Gated(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.f, self.g = (
            nn.Conv1d(32, 32, 2, dilation=dilation) for _ in range(2)
        )
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        x = before(x, self.dilation)
        return torch.tanh(self.f(x)) * torch.sigmoid(self.g(x))


class WaveNet(nn.Module):
    """The skips of twelve layers are summed; of the last layer nothing else is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.wave = nn.Conv1d(256, 32, 2)
        self.layers = nn.ModuleList()
        for place in range(12):
            layer = nn.ModuleDict({"gated": Gated(2 ** (place % 6))})
            if place < 11:
                layer["residual"] = nn.Conv1d(32, 32, 1)
            layer["skip"] = nn.Conv1d(32, 64, 1)
            self.layers.append(layer)
        self.next = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(64, 64, 1),
            nn.ReLU(),
            nn.Conv1d(64, 256, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        h = self.wave(before(x, 1))
        total = torch.zeros(1, dtype=x.dtype, device=x.device)
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleDict)
            z = layer["gated"](h)
            total = total + layer["skip"](z)
            if "residual" in layer:
                h = h + layer["residual"](z)
        return self.next(total)


def test_a_wavenet() -> None:
    plan = load("wavenet")
    agreeing(
        load("wavenet", "input=256x96"), WaveNet(), torch.randn(2, 256, 96)
    )
    sound = torch.randn(1, 256, 4096)
    assert plan.params == sum(p.numel() for p in WaveNet().parameters())
    counted = 0
    for module in (net := WaveNet()).modules():
        if isinstance(module, nn.Conv1d):
            # every one keeps the length
            counted += 4096 * module.weight.numel()
    assert plan.macs == counted and net(sound).shape == sound.shape


def test_a_wavenet_says_what_comes_next_from_what_came() -> None:
    net = load("wavenet", "input=256x200").module().double().eval()
    x = torch.randn(1, 256, 200, dtype=torch.double).requires_grad_()
    (seen,) = torch.autograd.grad(net(x)[0, :, 150].sum(), x)
    places = seen.abs().sum((0, 1)).nonzero().flatten()
    # a cell for the first layer, and twice 1 + 2 + 4 + 8 + 16 + 32
    assert (places.min(), places.max()) == (150 - 127, 150)
