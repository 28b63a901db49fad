"""MixNet's layers (Tan and Le 2019): convolutions of the parts of a map, and blocks that hold some
of several; each case is proven equal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing import Imported


class Mixed(nn.Module):
    """A convolution of each of the equal parts of a map, joined in some order."""

    def __init__(
        self, *convs: nn.Module, order: tuple[int, ...] = ()
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(convs)
        self.order = order or tuple(range(len(convs)))

    def forward(self, x: Tensor) -> Tensor:
        parts = x.chunk(len(self.convs), 1)
        pairs = zip(self.convs, parts, strict=True)
        made = [conv(part) for conv, part in pairs]
        return torch.cat([made[n] for n in self.order], 1)


class Inverted(nn.Module):
    """Pointwise convolutions in two groups around depthwise ones of several kernels; those of the
    tests here fall, as no `mixed` says."""

    def __init__(self, into: int, width: int, kernels: str, stride: int = 1, *, skip: bool) -> None:  # fmt: skip
        super().__init__()
        wide = 4 * into
        part = wide // len(kernels)
        depthwise = [
            nn.Conv2d(part, part, int(k), stride, int(k) // 2, groups=part)
            for k in kernels
        ]
        self.wide = Mixed(nn.Conv2d(into // 2, wide // 2, 1), nn.Conv2d(into // 2, wide // 2, 1))  # fmt: skip
        self.one, self.mix, self.two = nn.BatchNorm2d(wide), Mixed(*depthwise), nn.BatchNorm2d(wide)  # fmt: skip
        self.last, self.skip = nn.Conv2d(wide, width, 1), skip

    def forward(self, x: Tensor) -> Tensor:
        body = self.mix(self.one(self.wide(x)).relu())
        body = self.last(self.two(body).relu())
        return body + x if self.skip else body


def imported(*parts: nn.Module, width: int = 16) -> Imported:
    model = nn.Sequential(
        nn.Conv2d(3, width, 3), *parts, nn.Conv2d(width, 8, 1)
    )
    found = from_module(model, (3, 24, 24))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found


def pointwise(count: int = 2) -> list[nn.Conv2d]:
    return [
        nn.Conv2d(16 // count, 16 // count, 3, padding=1)
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [2, 4])
def test_equal_convolutions_of_all_parts_are_one_in_groups(
    count: int,
) -> None:
    torch.manual_seed(0)
    convs = pointwise(count)
    found = imported(Mixed(*convs))
    assert f"3x3 conv 16 groups {count}" in found.text, found.text
    (weight,) = (
        w
        for w in found.weights().values()
        if w.shape[1:] == (16 // count, 3, 3)
    )
    assert torch.equal(
        weight, torch.cat([conv.weight for conv in convs]).float()
    )


def depthwise(
    widths: tuple[int, ...], kernels: str, stride: int = 1
) -> list[nn.Conv2d]:
    pairs = zip(widths, map(int, kernels), strict=True)
    return [nn.Conv2d(w, w, k, stride, k // 2, groups=w) for w, k in pairs]


class Split(Mixed):
    """The same of parts of some widths."""

    def forward(self, x: Tensor) -> Tensor:
        widths = [conv.in_channels for conv in self.convs]
        parts = zip(self.convs, torch.split(x, widths, 1), strict=True)
        return torch.cat([conv(part) for conv, part in parts], 1)


@pytest.mark.parametrize(
    ("width", "widths", "kernels", "label"),
    [
        (16, (8, 8), "35", "3x3 depthwise conv /2 relu mixed 2"),
        (16, (4, 4, 4, 4), "3579", "3x3 depthwise conv /2 relu mixed 4"),
        (14, (5, 3, 3, 3), "5791", ""),
        (14, (5, 3, 3, 3), "1357", "1x1 depthwise conv /2 relu mixed 4"),
    ],
)
def test_depthwise_ones_with_growing_kernels_are_mixed(
    width: int, widths: tuple[int, ...], kernels: str, label: str
) -> None:
    """The first part has what is left over, as in timm and in the paper's code."""
    torch.manual_seed(0)
    convs = depthwise(widths, kernels, 2)
    found = imported(Split(*convs), nn.ReLU(), width=width)
    assert (label or "concat(") in found.text, found.text
    for conv in convs:
        assert any(
            torch.equal(conv.weight.float(), w)
            for w in found.weights().values()
        )


class Same(nn.Module):
    """A convolution padded as TensorFlow does, by timm's code."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        conv.padding = (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        more = self.conv.kernel_size[0] - 2
        return self.conv(
            nn.functional.pad(x, (more // 2, more - more // 2) * 2)
        )


def test_mixed_ones_pad_as_their_parts_do() -> None:
    convs = depthwise((8, 8), "35", 2)
    text = imported(Mixed(*map(Same, convs))).text
    assert "ops: {depthwise conv: {pad: same}}" in text, text
    assert "3x3 depthwise conv /2 mixed 2," in text


def test_blocks_with_one_kernel_or_several_are_calls_of_one() -> None:
    text = imported(
        stage("3", "357", "35"), stage("35", "3"), width=12
    ).text
    assert "depthwise conv /stride mixed mixed" in text, text
    assert text.count("shortcut: none") == 1, text


def shared() -> Mixed:
    (conv,) = pointwise(2)[:1]
    return Mixed(conv, conv)


@pytest.mark.parametrize(
    "module",
    [
        Mixed(*pointwise(), order=(1, 0)),
        Mixed(nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2)),
        Mixed(nn.Conv2d(8, 4, 1), nn.Conv2d(8, 12, 1)),
        Mixed(nn.Conv2d(8, 8, 1, groups=2), nn.Conv2d(8, 8, 1, groups=2)),
        Mixed(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1, bias=False)),
        Mixed(*depthwise((8, 8), "53")),
        Mixed(*depthwise((8, 8), "37")),
        Mixed(*depthwise((8, 8), "35"), order=(1, 0)),
        shared(),
    ],
    ids=[
        "order",
        "kernels",
        "widths",
        "groups",
        "bias",
        "falls",
        "leaps",
        "turned",
        "shared",
    ],
)
def test_other_convolutions_of_parts_stay_side_by_side(
    module: nn.Module,
) -> None:
    text = imported(module).text
    assert "part 0 of 2" in text and "concat(" in text, text
    assert "conv 16 groups" not in text


def test_a_part_that_is_read_elsewhere_stays() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = pointwise()

        def forward(self, x: Tensor) -> Tensor:
            a, b = x.chunk(2, 1)
            one, two = self.one(a), self.two(b)
            return torch.cat([one, two], 1) + torch.cat([two, one], 1)

    assert "part 0 of 2" in imported(Twice()).text


def stage(*kernels: str) -> nn.Sequential:
    """Blocks of 12 channels that hold such convolutions, the first without its sum."""
    first, *rest = kernels
    blocks = [Inverted(12, 12, first, 2, skip=False)]
    return nn.Sequential(
        *blocks, *(Inverted(12, 12, own, skip=True) for own in rest)
    )


def test_blocks_that_hold_other_convolutions_are_calls_of_one() -> None:
    text = imported(
        stage("753", "53", "53", "9753"), stage("53", "53", "53"), width=12
    ).text
    assert text.count("shortcut: none") == 1, text
    for call in (
        "[Inverted 12 /2 inner Mixed, 2 x",
        "inner Mixed-3]",
        "3 x Inverted 12 /2",
    ):
        assert call in text, text


def test_what_stands_before_the_module_that_splits_is_beside_it() -> None:
    """The pointwise convolution is no part of the block with the parts."""
    text = imported(stage("753", "53", "53"), width=12).text
    assert all(
        "1x1 conv" not in line
        for line in text.splitlines()
        if "part 0" in line
    )
    assert "[p0, part 0" not in text, text


def test_a_block_that_changes_nothing_and_lacks_its_sum_is_no_call() -> (
    None
):
    plain = [Inverted(12, 12, own, skip=False) for own in ("53", "9753")]
    summed = [Inverted(12, 12, "753", skip=True) for _ in range(3)]
    text = imported(*plain, *summed, width=12).text
    assert "shortcut: none" not in text, text
