"""What people's repositories write by hand, and a paper in a word: pools over the whole map, zero channels, reductions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from small import conv_bn
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import Imported


class Habit(nn.Module):
    """A CIFAR net's stem, what is done with its map of 16x8x8, and its classifier."""

    def __init__(
        self,
        body: nn.Module,
        classify: Callable[[Tensor], Tensor],
        width: int = 16,
    ) -> None:
        super().__init__()
        self.stem, self.body, self.classify = conv_bn(3, 16), body, classify
        self.linear = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(F.relu(self.stem(x)))
        return self.linear(self.classify(y))


def whole(y: Tensor) -> Tensor:
    pooled = F.avg_pool2d(y, y.size(3))
    return pooled.view(pooled.size(0), -1)


def imported(net: nn.Module) -> Imported:
    found = from_module(net, (3, 8, 8), name="net")
    assert found.proof.output is not None and found.proof.output < 1e-12
    return found


class Sum(nn.Module):
    """A body and a shortcut that changes the width."""

    def __init__(self, shortcut: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.shortcut = conv_bn(16, 32, stride=2), shortcut

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def around(x: Tensor) -> Tensor:
    return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8))


def behind(x: Tensor) -> Tensor:
    x = F.avg_pool2d(x, 2)
    return torch.cat(
        [x, torch.zeros(x.size(0), 16, x.size(2), x.size(3))], 1
    )


def doubled(x: Tensor) -> Tensor:
    x = x[:, :, ::2, ::2]
    return torch.cat([x, torch.zeros_like(x)], 1)


class Squeeze(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        w = F.relu(self.down(F.avg_pool2d(x, x.size(2))))
        return x * torch.sigmoid(self.up(w))


class Spatial(nn.Module):
    """Woo et al. 2018 (CBAM), section 3, its second half."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat(
            [x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1
        )
        return x * torch.sigmoid(self.conv(both))


class Shake(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (
            nn.Sequential(conv_bn(16, 16), nn.ReLU(), conv_bn(16, 16))
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * self.a(x) + 0.5 * self.b(x)


class Dual(nn.Module):
    def __init__(self, split: int, more: int) -> None:
        super().__init__()
        self.split, self.conv = split, nn.Conv2d(split + more, split + 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y, at = self.conv(x), self.split
        return torch.cat([x[:, :at] + y[:, :at], x[:, at:], y[:, at:]], 1)


class Edges(nn.Module):
    """Sobel's filters, a fixed one for each channel, behind zeros: no blur."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        rows = torch.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
        self.register_buffer("kernel", rows.repeat(16, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.kernel, groups=16)


class Blurred(nn.Module):
    """One filter for all channels, at which the convolution pads by itself, or not."""

    kernel: Tensor

    def __init__(self, padding: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2, 1]) / 4
        self.register_buffer("kernel", torch.outer(row, row)[None, None])
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel.expand(16, -1, -1, -1)
        return F.conv2d(x, kernel, None, 2, self.padding, groups=16)


@pytest.mark.parametrize(
    ("body", "width", "said"),
    [
        (nn.Identity(), 16, ["[global avg pool, fc 10]"]),
        (nn.MaxPool2d(8), 16, ["[global max pool, fc 10]"]),
        (Sum(around), 32, ["shortcut: zero-pad centered"]),
        (Sum(behind), 32, ["shortcut: [avg pool /stride, zero-pad out]"]),
        (Sum(doubled), 32, ["shortcut: zero-pad"]),
        (Squeeze(), 16, ["se squeeze 4"]),
        (Spatial(), 16, ["concat(mean(x over channels) max(x over channels))"]),
        (nn.Dropout2d(0.1), 16, ["channel dropout 0.1"]),
        (Shake(), 16, ["  Shake:\n", "0.5*a"]),
        (Blurred(0), 16, ["blur pool /2 pad 0"]),
        (Blurred(1), 16, ["blur pool /2 zeros"]),
        (Edges(), 16, ["[3x3 conv 16, 3x3 depthwise conv", "# `body.kernel` is a buffer of the model, and learns here"]),
        (
            nn.Sequential(nn.Conv2d(16, 20, 1), Dual(16, 4), nn.Conv2d(24, 36, 1), Dual(32, 4)),
            40, ["part to split", "part from split", "split 32"],
        ),
    ],
    ids=["pool", "map", "around", "behind", "doubled", "squeeze", "spatial", "dropout", "shake", "blur", "blur padded", "edges", "dual"],
)  # fmt: skip
def test_a_habit_is_a_word(
    body: nn.Module, width: int, said: list[str]
) -> None:
    classify = (
        (lambda y: y.view(len(y), -1))
        if isinstance(body, nn.MaxPool2d)
        else whole
    )
    text = imported(Habit(body, classify, width)).text
    for part in said:
        assert part in text, text


def test_a_classifier_that_ends_in_its_loss() -> None:
    """As PyTorch's own examples do, for `nll_loss`."""
    net = nn.Sequential(Habit(nn.Identity(), whole), nn.LogSoftmax(1))
    assert "fc 10, log softmax]" in imported(net).text
