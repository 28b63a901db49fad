"""Cells around a map that are put there before a window slides are the window's own, where they are those that it has."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest
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
        (
            lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2),
            "3x3 max pool /2 pad 0:1",
        ),
        (
            lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=-inf), 3, 2),
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
            lambda x: F.max_pool2d(F.pad(x, (1, 1, 0, 1), mode="replicate"), 3, 2),
            "3x3 max pool /2 pad 0:1x1 replicate",
        ),
    ],
)
def test_before_a_pool(form: Callable[[Tensor], Tensor], said: str) -> None:
    assert row(form) == said


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            lambda x: F.pad(x, (0, 1, 0, 1), value=-inf) + 1,
            "`add`: it reads a map with -inf around it",
        ),
        (
            lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2),
            "`avg_pool2d`: it reads a map with -inf around it",
        ),
        (
            lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2, 1),
            "`max_pool2d`: it reads a map with -inf around it",
        ),
        (
            lambda x: F.pad(x, (0, 0, 0, 0, 0, 1), value=-inf),
            "with another value than 0",
        ),
        (
            lambda x: F.max_pool2d(F.pad(x, (3, 3, 3, 3), value=-inf), 3, 2),
            "no window lies in padding alone",
        ),
    ],
)
def test_refused(form: Callable[[Tensor], Tensor], said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_module(Padded(form), INPUT)
