"""Models that give a tuple or a dictionary: rows that the spec names under `output:`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module, load, loads
from resgraph.importing import from_model

INPUT = (3, 16, 16)
TAPPED = "output: [one, two, head]"


class Backbone(nn.Module):
    """Two stages of residual blocks and a head; `give` says what comes out."""

    def __init__(self, give: Any) -> None:
        super().__init__()
        spec = "name: a\ninput: 3x16x16\nnet: {stem: 3x3 conv 8, one: 2 x basic 8, two: 2 x basic 16 /2}"
        self.net = loads(f"{spec}\noutput: [one, two]\n").module()
        self.fc = nn.Linear(16, 4)
        self.give = give

    def forward(self, x: Tensor) -> Any:
        one, two = self.net(x)
        return self.give(one, two, self.fc(two.mean((2, 3))))


def test_a_tuple_of_maps_on_the_way() -> None:
    found = from_module(Backbone(lambda *given: given), INPUT)
    assert TAPPED in found.text
    assert "output: [8x16x16, 16x8x8, 4]" in found.text
    assert (
        found.proof.gradients is not None and found.proof.gradients <= 1e-9
    )


def test_in_the_order_of_the_model() -> None:
    found = from_module(Backbone(lambda one, two, y: [y, one, two]), INPUT)
    assert "output: [head, one, two]" in found.text


@pytest.mark.parametrize(
    "give", [lambda one, two, y: (y,), lambda one, two, y: {"out": y}], ids=["tuple", "dictionary"]
)  # fmt: skip
def test_a_tensor_in_a_tuple_or_dictionary_is_that_tensor(
    give: Any,
) -> None:
    found = from_module(Backbone(give), INPUT)
    assert "output: 4}" in found.text and "output: [" not in found.text


class Within(nn.Module):
    """It gives what comes out of a convolution, before its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.conv(x)
        return y, self.norm(y).relu()


def test_an_output_before_a_norm() -> None:
    found = from_module(Within(), INPUT)
    assert (
        found.proof.gradients is not None and found.proof.gradients <= 1e-9
    )
    assert (
        "conv1: 3x3 conv 8 pad 0" in found.text
        and "output: [conv1, head]" in found.text
    )


def test_a_file_with_several(tmp_path: Path) -> None:
    plan = load("digits", overrides=["output=[conv2, head]"])
    (tmp_path / "net.pt2").write_bytes(plan.to("pt2"))
    found = from_model(str(tmp_path / "net.pt2"))
    assert found.plan.outputs.values() and len(found.plan.outputs) == 2
    assert list(found.plan.outputs.values()) == list(plan.outputs.values())


def test_a_spec_with_several_is_the_model(tmp_path: Path) -> None:
    found = from_module(Backbone(lambda *given: given), INPUT)
    images = torch.zeros(2, *INPUT)
    assert [tuple(y.shape[1:]) for y in found.plan.module()(images)] == [
        (8, 16, 16),
        (16, 8, 8),
        (4,),
    ]
