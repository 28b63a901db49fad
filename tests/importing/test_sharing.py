"""What a block runs twice with the same weights is `again`; elsewhere it is refused."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import Imported

INPUT = (8, 8, 8)


def layers(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, width // 4),
        nn.ReLU(),
        nn.Linear(width // 4, width),
    )


class Cbam(nn.Module):
    """Woo et al. 2018 (arXiv 1807.06521), Figure 2 above; `own` has other layers for the maximum."""

    def __init__(self, width: int = 8, *, own: bool = False) -> None:
        super().__init__()
        self.mlp = layers(width)
        self.other = layers(width) if own else self.mlp

    def forward(self, x: Tensor) -> Tensor:
        share = self.mlp(x.mean((2, 3))) + self.other(x.amax((2, 3)))
        return x * share.sigmoid()[..., None, None]


class Norms(nn.Module):
    """A convolution and its norm on two maps, and another for each."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.both = (
            nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)
        )
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.one(x), self.two(F.max_pool2d(x, 3, 1, 1))
        return (
            x
            + self.norm(self.both(a)).relu()
            * self.norm(self.both(b)).relu()
        )


class Step(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.gate = (
            nn.Conv2d(width, width, 3, padding=1),
            Cbam(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate(self.conv(x).relu())


def imported(model: nn.Module) -> Imported:
    found = from_module(model, INPUT, name="net")
    proof = found.proof
    assert proof.output is not None and proof.output < 1e-12
    assert proof.gradients is not None and proof.gradients < 1e-7
    assert found.plan.params == sum(p.numel() for p in model.parameters())
    return found


def test_layers_of_two_vectors() -> None:
    found = imported(nn.Sequential(Cbam(), nn.Conv2d(8, 4, 1)))
    assert "body:  [pre, fc in/4 relu, fc in]" in found.text
    assert "p0:    [global max pool, again body]" in found.text
    assert "merge: x*sigmoid(body + p0)" in found.text
    assert sorted(found.names)[2:] == [
        f"row1.body.{place}.{key}"
        for place in (1, 2)
        for key in ("bias", "weight")
    ]


def test_layers_of_their_own_are_not_shared() -> None:
    found = imported(nn.Sequential(Cbam(own=True), nn.Conv2d(8, 4, 1)))
    assert "again" not in found.text


def test_statistics_that_move_twice() -> None:
    assert (
        "again both"
        in imported(nn.Sequential(Norms(), nn.Conv2d(8, 4, 1))).text
    )


def test_blocks_that_share_are_of_one_kind() -> None:
    net = nn.Sequential(
        Step(8), Step(8), nn.Conv2d(8, 16, 1), Step(16), Step(16)
    )
    text = imported(net).text
    assert text.count("again") == 1 and text.count("2 x ") == 2


def test_numbers_of_a_shared_layer_are_those_of_its_first() -> None:
    model = nn.Sequential(Cbam(), nn.Conv2d(8, 4, 1)).eval()
    found, x = from_module(model, INPUT), torch.randn(2, *INPUT)
    net = found.plan.module().eval()
    net.load_state_dict(found.weights())
    assert torch.allclose(net(x), model(x), atol=1e-6)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(self.conv(x).relu())


def test_one_layer_twice_in_a_path() -> None:
    text = imported(Twice()).text
    assert "  mlp:\n    p0:    1x1 conv in\n" in text, text
    assert "    body:  [p0, relu, again p0]\n    merge: body + x\n" in text


class Thrice(nn.Module):
    """Tai et al. 2017 (DRRN), section 3.1, with one layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for _ in range(2):
            y = self.conv(y).relu()
        return x + self.conv(y)


def test_one_layer_in_a_path_of_blocks() -> None:
    """A path ends behind the layer, so that it has a name."""
    net = nn.Sequential(
        *(Thrice(8), Thrice(8)), nn.Conv2d(8, 16, 1), Thrice(16)
    )
    text = imported(net).text
    assert "body:  [p0, relu, again p0, relu, again p0]" in text, text
    assert text.count("again") == 2 and "2 x basic\n" in text


class Scales(nn.Module):
    """A residual block, in which layers run twice, over three sizes of a map."""

    def __init__(self) -> None:
        super().__init__()
        self.step, self.last = Step(8), nn.Conv2d(24, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = [x, F.avg_pool2d(x, 2), F.avg_pool2d(x, 4)]
        given = [self.step(y) for y in maps]
        sizes = zip(given, (1, 2, 4), strict=True)
        return self.last(
            torch.cat(
                [
                    y if n == 1 else F.interpolate(y, scale_factor=n)
                    for y, n in sizes
                ],
                1,
            )
        )


def test_a_block_over_three_sizes_of_a_map() -> None:
    text = imported(nn.Sequential(nn.Conv2d(8, 8, 1), Scales())).text
    assert "    p0:    [avg pool /2, again body, upsample 2]\n" in text, (
        text
    )
    assert "    p1:    [avg pool /4, again body, upsample 4]\n" in text
    assert "    body:  [3x3 conv in relu, gated]\n" in text


class Refined(nn.Module):
    """What a stage gives and what came in are its input again; the layer's first input is an
    equation, which has a path of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.next = nn.Conv2d(8, 2, 1), nn.Conv2d(10, 2, 3, padding=1)  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        for _ in range(2):
            y = y + self.next(torch.cat([x, y], 1))
        return y


def test_a_layer_behind_an_equation_in_a_block() -> None:
    text = imported(nn.Sequential(nn.Conv2d(8, 8, 1), Refined())).text
    assert "p1:    concat(x p0)" in text, text


class Residuals(nn.Module):
    """One layer in two residual blocks of a map: where rows begin for it neither block is one, and
    then no row has to begin there."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + self.conv(x), x + self.conv(x.relu())


def test_one_layer_in_two_residual_blocks_of_a_map() -> None:
    text = imported(Residuals()).text
    assert text.count("again") == 1, text


class Heads(nn.Module):
    """The net begins with a layer that runs again in one of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.other = (
            nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.conv(x)
        return self.conv(y), self.other(y)


def test_the_layer_that_a_net_begins_with_again_in_a_row() -> None:
    text = imported(Heads()).text
    assert text.count("again") == 1, text
