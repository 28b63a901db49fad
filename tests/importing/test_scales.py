"""One module over maps of several sizes, as a detector's head, and what else runs again between rows
that differ; all is proven equal, in training too, so that weights, gradients and statistics are
those of one layer."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from small import Basic, conv_bn, lines, proven
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module, loads
from resgraph.cli import run

IMAGE = (3, 32, 32)


class Levels(nn.Module):
    """Maps of 16, 8 and 4 cells across, 8 wide."""

    def __init__(self) -> None:
        super().__init__()
        self.c3, self.c4, self.c5 = (
            nn.Sequential(conv_bn(a, b, stride=2), nn.ReLU())
            for a, b in ((3, 8), (8, 16), (16, 32))
        )
        self.lateral = nn.ModuleList(
            nn.Conv2d(w, 8, 1) for w in (8, 16, 32)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        c3 = self.c3(x)
        c4 = self.c4(c3)
        maps = zip(self.lateral, (c3, c4, self.c5(c4)), strict=True)
        return [layer(y) for layer, y in maps]


LEVELS = {
    "c3": "3x3 conv 8 /2",
    "c4": "3x3 conv 16 /2",
    "maps": "[3x3 conv 32 /2, 1x1 conv 8 bare bias default]",
    "lateral1": "[c3, 1x1 conv 8 bare bias default]",
    "lateral2": "[c4, 1x1 conv 8 bare bias default]",
}


class Head(nn.Module):
    """With batch norms, whose statistics move in the order of its calls: from the finest map on."""

    def __init__(self) -> None:
        super().__init__()
        self.maps, self.head = Levels(), Basic(8, 8)
        self.out = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.out(self.head(y)) for y in self.maps(x)]


def test_a_head_in_the_order_of_its_calls() -> None:
    """The coarsest map is the first that is made to its end, and the last that the head reads."""
    model = Head()
    found = from_module(model, IMAGE)
    rows = lines(proven(found, model))
    assert found.proof.statistics == 0
    assert rows == {
        **LEVELS,
        "head": "[lateral1, basic 8]",
        "row1": "1x1 conv 4 bare bias default",
        "row1_2": "[lateral2, again head..row1]",
        "row1_3": "[maps, again head..row1]",
    }
    assert "output: [row1, row1_2, row1_3]" in found.text


def test_its_weights_are_carried() -> None:
    model = Head().eval()
    found, x = from_module(model, IMAGE), torch.randn(2, *IMAGE)
    net = found.plan.module().eval()
    net.load_state_dict(found.weights())
    for ours, theirs in zip(net(x), model(x), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_its_weights_are_carried_from_a_file(tmp_path: Path) -> None:
    model, x = Head().eval(), torch.randn(2, *IMAGE)
    for each in model.parameters():
        nn.init.normal_(each, std=0.2)
    file, spec, weights = (
        tmp_path / name for name in ("net.pt2", "net.yaml", "w.safetensors")
    )
    torch.export.save(torch.export.export(model, (x,)), file)
    made = ["-o", str(spec), "--weights", str(weights)]
    assert run(["import", str(file), *made]) == 0
    net = loads(spec.read_text()).module().eval()
    net.load_state_dict(load_file(weights))
    for ours, theirs in zip(net(x), model(x), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


class Smoothed(nn.Module):
    """A pyramid whose sums one layer reads."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = Levels()
        self.smooth = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        fine, middle, coarse = self.maps(x)
        middle = middle + F.interpolate(coarse, scale_factor=2)
        fine = fine + F.interpolate(middle, scale_factor=2)
        return [self.smooth(y) for y in (fine, middle, coarse)]


def test_a_layer_behind_sums() -> None:
    """The first sum has a row of its own: an equation is not repeated."""
    model = Smoothed()
    rows = lines(proven(from_module(model, IMAGE), model))
    assert [*rows.items()][-7:] == [
        ("up1", "[maps, upsample 2]"),
        ("sum1", "lateral2 + up1"),
        ("up2", "upsample 2"),
        ("sum2", "lateral1 + up2"),
        ("smooth", "3x3 conv 8 bare"),
        ("smooth_2", "[sum1, again smooth]"),
        ("smooth_3", "[maps, again smooth]"),
    ]


class OwnNorms(nn.Module):
    """Tan et al. 2019 (EfficientDet, arXiv 1911.09070): convolutions are shared, norms are not."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = Levels()
        self.convs = nn.ModuleList(
            nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
            for _ in range(3)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        given = []
        for norms, y in zip(self.norms, self.maps(x), strict=True):
            for conv, norm in zip(self.convs, norms, strict=True):
                y = F.silu(norm(conv(y)))
            given.append(y)
        return given


def test_norms_of_its_own_for_each_level() -> None:
    model = OwnNorms()
    text = proven(from_module(model, IMAGE), model)
    assert text.count("again conv1") == text.count("again conv2") == 2
    assert text.count("[bn, silu]") == 6


class Recurrent(nn.Module):
    """Liang and Hu 2015; Alom et al. 2018 (R2U-Net, arXiv 1802.06955), Figure 3: a layer reads what
    it gave, and its first input."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 8), nn.ReLU())
        self.layer = nn.Sequential(conv_bn(8, 8), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.layer(x)
        for _ in range(2):
            y = self.layer(x + y)
        return y.mean((2, 3))


def test_a_layer_that_reads_what_it_gave() -> None:
    model = Recurrent()
    rows = lines(proven(from_module(model, IMAGE), model))
    assert [*rows.values()] == [
        "3x3 conv 8",
        "3x3 conv 8",
        "[stem + row, again row]",
        "[stem + row_2, again row]",
        "global avg pool",
    ]


class InBlocks(nn.Module):
    """Residual blocks with one layer in common, and others of their own; it may also stand before
    them."""

    def __init__(self, *, before: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 8), nn.ReLU())
        self.common, self.before = conv_bn(8, 8), before
        self.own = nn.ModuleList(conv_bn(8, 8, 1) for _ in range(2))
        self.last = nn.Sequential(Basic(8, 16, 2), Basic(16, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.common(x) if self.before else x
        for own in self.own:
            x = x + self.common(F.relu(own(x)))
        return self.last(x)


def test_a_layer_in_several_blocks() -> None:
    """These are rows; blocks that share nothing stay blocks."""
    model = InBlocks(before=False)
    rows = lines(proven(from_module(model, IMAGE), model))
    assert rows == {
        "stem": "3x3 conv 8",
        "own1": "1x1 conv 8",
        "common": "3x3 conv 8 linear",
        "sum": "stem + common",
        "own2": "1x1 conv 8",
        "common_2": "again common",
        "last": "[sum + common_2, 2 x basic 16 /2]",
    }


def test_a_layer_in_a_row_and_in_blocks() -> None:
    model = InBlocks(before=True)
    rows = lines(proven(from_module(model, IMAGE), model))
    assert rows["common"] == "3x3 conv 8 linear"
    assert rows["common_2"] == rows["common_3"] == "again common"
    assert rows["last"] == "[sum + common_3, 2 x basic 16 /2]"


class Weighed(nn.Module):
    """A gate, one for all levels, and a layer behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = Levels()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            *(nn.Conv2d(8, 4, 1), nn.ReLU()),
            *(nn.Conv2d(4, 8, 1), nn.Sigmoid()),
        )
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.last(y * self.gate(y)) for y in self.maps(x)]


def test_a_block_of_the_library_over_several_maps() -> None:
    model = Weighed()
    rows = lines(proven(from_module(model, IMAGE), model))
    assert rows["gate"] == "[lateral1, se squeeze 4]", rows


class Stages(nn.Module):
    """Alom et al. 2018: recurrent layers in blocks, several widths."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.ModuleList(
            nn.Conv2d(a, b, 1) for a, b in ((3, 8), (8, 16))
        )
        self.layers = nn.ModuleList(
            nn.ModuleList(conv_bn(w, w) for _ in range(2)) for w in (8, 16)
        )

    def forward(self, x: Tensor) -> Tensor:
        for enter, layers in zip(self.enter, self.layers, strict=True):
            x = y = enter(x)
            for layer in layers:
                begun = y
                y = F.relu(layer(begun))
                y = F.relu(layer(begun + y))
            x = F.max_pool2d(x + y, 2)
        return x


def test_recurrent_layers_in_blocks_are_rows() -> None:
    model = Stages()
    text = proven(from_module(model, IMAGE), model)
    assert text.count("again") == 4 and "blocks:" not in text, text
