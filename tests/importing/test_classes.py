"""What blocks are called: as their author calls the module that they are, in each way in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing import from_model


class _Mixer(nn.Module):
    """Like no block of the library."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.wide = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.tanh(self.wide(self.deep(x)))


class Other(_Mixer):
    """Another class of the same."""


class Sum(nn.Module):
    """A module that does more than its block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = _Mixer(width)
        self.last = nn.Conv2d(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.inner
        return self.last(x + torch.tanh(inner.wide(inner.deep(x))))


class Twice(nn.Module):
    """A module of which the layers are inside another."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_Mixer(width), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Word(nn.Module):
    """A module whose attribute has the name of its class, as a row then may."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.Mixed = Mixed(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.Mixed(x)


class Mixed(_Mixer):
    pass


class Csp(nn.Module):
    """YOLO's C3: its last layer would go with the next, as a transition."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        half = width // 2
        self.a, self.b = (
            nn.Conv2d(width, half, 1),
            nn.Conv2d(width, half, 1),
        )
        self.deep = nn.Sequential(*(_Mixer(half) for _ in range(depth)))
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat((self.deep(self.a(x)), self.b(x)), 1)
        return self.last(joined).relu()


class Stage(nn.Module):
    """A row: it repeats its blocks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(width // 2, width, 3, 2)
        self.blocks = nn.Sequential(_Mixer(width), _Mixer(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.down(x))


class Edge(nn.Module):
    """EfficientNet's, which may lack its skip also where nothing changes."""

    def __init__(
        self, into: int, width: int, stride: int = 1, *, skip: bool
    ) -> None:
        super().__init__()
        self.wide = nn.Conv2d(into, 2 * into, 3, stride, 1)
        self.last = nn.Conv2d(2 * into, width, 1)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        body = self.last(self.wide(x).relu())
        return x + body if self.skip else body


class Separable(nn.Module):
    """PP-LCNetV2's: two kernels in parallel, then two layers of one kind."""

    def __init__(self, width: int) -> None:
        super().__init__()
        options = {"padding": "same", "groups": width}
        self.three = nn.Conv2d(width, width, 3, **options)
        self.five = nn.Conv2d(width, width, 5, **options)
        self.down = nn.Conv2d(width, width // 2, 1)
        self.up = nn.Conv2d(width // 2, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = (self.three(x) + self.five(x)).relu()
        return self.up(self.down(x).relu()).relu()


def net(*parts: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.mark.parametrize(
    ("parts", "called"),
    [
        ((_Mixer(8), _Mixer(8)), "2 x Mixer"),
        ((Twice(8), _Mixer(8)), "2 x Mixer"),  # the innermost
        ((_Mixer(8), Other(8)), "2 x basic"),  # one block, of two classes
        ((Sum(8),), "basic"),  # a part of a module
        ((Word(8), Word(8)), "2 x basic"),
    ],
    ids=["class", "within", "other", "part", "attribute"],
)
def test_a_block_has_the_name_of_its_class(
    parts: tuple[nn.Module, ...], called: str
) -> None:
    text = from_module(net(*parts), (3, 16, 16)).text
    assert f"  {called.split()[-1]}:\n" in text and called in text, text


def test_a_module_of_several_is_a_block() -> None:
    def down(width: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, 2, 1), nn.ReLU()
        )

    found = from_module(
        net(
            Csp(8, 1),
            down(8),
            Csp(16, 2),
            down(16),
            Csp(32, 3),
            down(32),
            Csp(64, 1),
        ),
        (3, 32, 32),
    )
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert "3x3 conv 32 /2 relu, Csp depth 3]" in found.text, found.text


def test_a_block_without_its_skip_is_layers_of_its_own_row() -> None:
    """A call of the block would add what comes in: nothing changes."""
    first = nn.Sequential(Edge(8, 4, skip=False), Edge(4, 4, skip=False))
    second = nn.Sequential(
        Edge(4, 16, 2, skip=False), Edge(16, 16, skip=True)
    )
    third = nn.Sequential(
        Edge(16, 32, 2, skip=False), Edge(32, 32, skip=True)
    )
    found = from_module(net(first, second, third), (3, 32, 32))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert "[Edge 4, 3x3 conv 8, 1x1 conv 4 linear]" in found.text, (
        found.text
    )
    assert "2 x Edge 16 /2\n" in found.text, found.text


def test_a_module_may_have_layers_of_one_kind() -> None:
    text = from_module(
        net(*(Separable(8) for _ in range(3))), (3, 16, 16)
    ).text
    assert "3 x Separable\n" in text, text


def test_a_stage_is_a_row() -> None:
    text = from_module(
        net(Stage(16), Stage(32), Stage(64), Stage(128)), (3, 64, 64)
    ).text
    assert "3x3 conv 128 /2 linear pad 0, 2 x Mixer" in text, text


@pytest.mark.parametrize(
    ("named", "called"),
    [
        *(("conv", "Conv"), ("in", "In"), ("x", "X"), ("body", "Body")),
        *(
            ("head", "Head"),
            ("act", "Act"),
            ("net", "Net"),
            ("bare_2", "Bare_2"),
        ),
        *(
            ("none", "basic"),
            ("true", "basic"),
            ("NULL", "basic"),
            ("_1", "basic"),
        ),
        *(("Élan", "basic"), ("B" * 65, "basic"), ("BN", "BN")),
    ],
)
def test_a_class_may_have_any_name(named: str, called: str) -> None:
    """A word of the language gets a capital, and what no file can say another name."""
    mixer = type(named, (_Mixer,), {})
    assert (
        f"2 x {called}\n"
        in from_module(net(mixer(8), mixer(8)), (3, 16, 16)).text
    )


def test_a_name_that_begins_the_others_is_that_of_all() -> None:
    """So a net that export wrote keeps its blocks' names: it has a class for each shortcut."""
    down = type("MixerDown", (_Mixer,), {})
    assert (
        "2 x Mixer"
        in from_module(net(_Mixer(8), down(8)), (3, 16, 16)).text
    )


class Shuffle(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        return (
            x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        )


class Unit(nn.Sequential):
    """A block that ends with what has its word where the next one reads it."""

    def __init__(self, width: int) -> None:
        super().__init__(_Mixer(width), Shuffle())


def test_a_view_is_of_the_module_that_has_it() -> None:
    text = from_module(net(*(Unit(8) for _ in range(4))), (3, 16, 16)).text
    assert "4 x Unit" in text and "[Mixer, shuffle 2]" in text, text


def test_a_file_keeps_the_classes(tmp_path: Path) -> None:
    model = net(_Mixer(8), _Mixer(8)).eval()
    images = (torch.randn(2, 3, 16, 16),)
    torch.export.save(
        torch.export.export(model, images), tmp_path / "net.pt2"
    )
    assert "2 x Mixer" in from_model(str(tmp_path / "net.pt2")).text


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_keeps_the_classes(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = net(_Mixer(8), _Mixer(8)).eval()
    images = (torch.randn(2, 3, 16, 16),)
    torch.onnx.export(model, images, tmp_path / "net.onnx", verbose=False)
    assert "2 x Mixer" in from_model(str(tmp_path / "net.onnx")).text
