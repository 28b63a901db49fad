"""A model of which a part does not learn: the spec would train it, so none is written."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.importing import ImportRefused


class Detached(nn.Module):
    """A residual branch that no gradient reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x).detach()


class Beside(nn.Module):
    """An output that no weight is in."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.relu(), self.conv(x)


@pytest.mark.parametrize("behind", [nn.Conv2d(8, 8, 1), nn.ReLU()])
def test_what_is_detached_is_not_taken_for_what_learns(
    behind: nn.Module,
) -> None:
    with pytest.raises(
        ImportRefused,
        match=r"`detach`: what `0\.conv\.weight` is in does not learn from here, .* \(in module `0`",
    ):
        from_module(nn.Sequential(Detached(), behind), (8, 8, 8))


class Without(Detached):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return x + self.conv(x)


class OfInput(Detached):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach() + self.conv(x)


def test_what_is_computed_without_gradients_is_refused_by_its_name() -> (
    None
):
    with pytest.raises(ImportRefused, match=r"`torch\.no_grad\(\)` there"):
        from_module(nn.Sequential(Without(), nn.ReLU()), (8, 8, 8))


def test_an_input_learns_nothing_and_may_be_detached() -> None:
    assert from_module(OfInput(), (8, 8, 8)).proof.gradients == 0


def test_an_output_that_no_weight_is_in_is_proven_beside_others() -> None:
    found = from_module(Beside(), (8, 8, 8))
    assert "output: [row1, row2]" in found.text


class Inferred(Detached):
    def forward(self, x: Tensor) -> Tensor:
        with torch.inference_mode():
            return x + self.conv(x)


def test_what_is_inferred_is_refused_by_its_name() -> None:
    """torch.export leaves nothing of it in a graph; the proof finds it."""
    with pytest.raises(
        ImportRefused,
        match=r"`conv\.weight` .* `torch\.inference_mode\(\)`",
    ):
        from_module(Inferred(), (8, 8, 8))
