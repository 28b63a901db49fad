"""Cells around a map that are put there before a window slides are the window's own, where they are those that it has."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import from_module
from resgraph.importing import ImportRefused

INPUT = (3, 9, 9)


class Padded(nn.Module):
    def __init__(self, form: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.form = form

    def forward(self, x: Tensor) -> Tensor:
        return self.form(x)


def row(form: Callable[[Tensor], Tensor]) -> str:
    """The one row of such a net, which gives the same numbers."""
    found = from_module(Padded(form), INPUT)
    assert found.proof.output is not None and found.proof.output < 1e-12
    return found.text.partition("  conv1: ")[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda x: F.pad(x, (0, 0, 0, 0), mode="replicate").relu(), "relu"),
        (
            lambda x: F.pad(x.movedim(1, 3), (2, 3)).movedim(3, 1).relu(),
            "[zero-pad 8 centered, relu]",
        ),
        (
            lambda x: F.pad(x.mT, (2, 0, 0, 1)).mT.relu(),
            "[pad 2:0x0:1, relu]",
        ),
        (
            lambda x: F.max_pool2d(
                F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2
            ),
            "3x3 max pool /2 pad 0:1",
        ),
        (
            lambda x: F.max_pool2d(
                F.pad(x, (1, 1, 1, 1), value=-inf), 3, 2
            ),
            "3x3 max pool /2",
        ),
        (
            lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2),
            "[pad 1, 3x3 max pool /2 pad 0]",
        ),
        (
            lambda x: F.avg_pool2d(
                F.pad(x, (0, 1, 0, 1)), 3, 2, count_include_pad=False
            ),
            "3x3 avg pool /2 pad 0:1",
        ),
        (
            lambda x: F.avg_pool2d(F.pad(x, (4, 4, 4, 4)), 3, 2),
            "[pad 4, 3x3 avg pool /2 pad 0]",
        ),
        (
            lambda x: F.max_pool2d(
                F.pad(x, (1, 1, 0, 1), mode="replicate"), 3, 2
            ),
            "3x3 max pool /2 pad 0:1x1 replicate",
        ),
    ],
)
def test_before_a_pool(form: Callable[[Tensor], Tensor], said: str) -> None:
    assert row(form) == said


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda x: F.pad(x, (-1, 1, -1, 1)), "pad -1:1"),
        (lambda x: F.pad(x, (1, 0)), "pad 0x1:0"),
        (lambda x: x[:, :, 1:-1, 1:-1], "pad -1"),
        (lambda x: x[:, :, 1:, 2:-1], "pad -1:0x-2:-1"),
        (lambda x: x.narrow(2, 0, 4), "pad 0:-5x0"),
        (
            lambda x: F.avg_pool2d(F.pad(x, (-1, 1, -1, 1)), 3, 2),
            "[pad -1:1, 3x3 avg pool /2 pad 0]",
        ),
    ],
)
def test_cells_are_taken_away(
    form: Callable[[Tensor], Tensor], said: str
) -> None:
    assert row(form) == said


class Cropped(nn.Module):
    """Convolutions that put no cells around, whose shortcut loses as many."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(x).relu()) + x[:, :, 2:-2, 2:-2]


def test_a_shortcut_that_is_cropped() -> None:
    found = from_module(nn.Sequential(Cropped(), Cropped()), (3, 19, 19))
    assert "p0:    pad -2\n    merge: body + p0" in found.text
    assert found.text.count(": Cropped\n") == 2


class Reduction(nn.Module):
    """Zoph et al. 2018, "Learning Transferable Architectures" (arXiv 1707.07012), as its published code makes half
    of the cells: two paths, one of them a cell further."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (
            nn.Conv2d(16, width // 2, 1, bias=False) for _ in "ab"
        )

    def forward(self, x: Tensor) -> Tensor:
        other = F.avg_pool2d(F.pad(x, (-1, 1, -1, 1)), 1, 2)
        return torch.cat(
            [self.one(F.avg_pool2d(x, 1, 2)), self.two(other)], 1
        )


@pytest.mark.parametrize("size", [16, 17])
def test_a_reduction_in_two_paths(size: int) -> None:
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), Reduction(24))
    found = from_module(net, (3, size, size))
    assert "[1x1 avg pool /2, 1x1 conv 12]" in found.text
    assert "[pad -1:1, 1x1 avg pool /2, 1x1 conv 12]" in found.text


class Cells(nn.Module):
    """Two paths that read each other's beginnings, each of which strides."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(3, 4, 5, 2, 2)
        self.c, self.d = nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 4, 5, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        a, b = self.a(x), self.b(x)
        c = self.c(a + b)
        return torch.cat([c, self.d(a) + c, F.max_pool2d(b, 3, 2, 1)], 1)


def test_a_call_of_a_block_with_strides_of_its_own_says_none() -> None:
    found = from_module(Cells(), (3, 32, 32))
    assert found.proof.output is not None
    assert " /4" not in found.text.partition("net:")[2]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda x: F.pad(x, (0, 0, 0, 0, -1, 0)), "it cuts channels off"),
        (
            lambda x: F.pad(x, (0, 1, 0, 1), value=-inf) + 1,
            "`add`: it reads a map with -inf around it",
        ),
        (
            lambda x: F.avg_pool2d(
                F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2
            ),
            "`avg_pool2d`: it reads a map with -inf around it",
        ),
        (
            lambda x: F.max_pool2d(
                F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2, 1
            ),
            "`max_pool2d`: it reads a map with -inf around it",
        ),
        (
            lambda x: F.pad(x, (0, 0, 0, 0, 0, 1), value=-inf),
            "with the value -inf, which the language has not",
        ),
        (
            lambda x: F.max_pool2d(
                F.pad(x, (3, 3, 3, 3), value=-inf), 3, 2
            ),
            "no window lies in padding alone",
        ),
    ],
)
def test_refused(form: Callable[[Tensor], Tensor], said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_module(Padded(form), INPUT)
