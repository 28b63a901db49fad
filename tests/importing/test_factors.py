"""Fixed numbers that multiply → where a person would write them; each case is proven equal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.plan import loads

SCALED = """name: a
input: 16x16x16
unit: conv relu
ops: {conv: {standardize: scaled}}
blocks: {act: {merge: 1.5*relu(x)}}
net:
"""
PLAIN = "name: a\ninput: 16x16x16\n"


def text(spec: str) -> str:
    """Import of the module that a spec compiles to."""
    found = from_module(loads(spec).module(), (16, 16, 16))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


def test_a_number_before_most_scaled_filters_is_their_gamma() -> None:
    """As in DeepMind's NFNets, whose activations are scaled and not their filters."""
    written = text(
        SCALED
        + """  stem: [3x3 conv 16 bare, act, 3x3 conv 16 bare, act]
  one:  [avg pool /2, 3x3 conv 16 bare, act]
  head: [3x3 conv 8 bare, global avg pool, fc 8]"""
    )
    assert "gamma: 1.5}}" in written
    assert "3x3 conv 16 gamma 1," in written  # it reads the image
    assert "*" not in written


@pytest.mark.parametrize(
    "rows",
    [
        "[3x3 conv 16 bare, act, 3x3 conv 8 bare]\n  two:  [one + 1.5*one, 3x3 conv 8]",
        "[3x3 conv 16 bare, act]\n  two: [one + relu(one), 2 x 3x3 conv 16]",
        "[4 x 3x3 conv 16, act, 3x3 conv 8]",
    ],
    ids=["before a sum", "read by a sum", "before few"],
)
def test_a_number_that_others_read_too_stays_a_product(rows: str) -> None:
    written = text(f"{SCALED}  one: {rows}")
    assert "1.5*" in written and "gamma" not in written


def test_a_gamma_that_no_spec_can_have_is_none() -> None:
    written = text(
        SCALED.replace("1.5", "-1.5") + "  one: [act, 2 x 3x3 conv 16 bare]"
    )
    assert "(-1.5)*" in written and "gamma" not in written


GAIN = """blocks:
  g: {{body: [3x3 conv 16, {}], p: {}, merge: {} + x}}
net: {{stem: 3x3 conv 16, one: 3 x g, head: 1x1 conv 8}}"""


@pytest.mark.parametrize(
    ("p", "merge", "said"),
    [
        ("2*body", "0.2*p", "0.4*body + x"),
        ("[2*body, gain]", "0.2*p", "0.4*body + x"),
        ("[2*body, gain]", "p/4", "0.5*body + x"),
        ("[2*body, gain]", "0.5*p", " body + x"),
        ("[2*body, gain shift 0]", "0.2*p", "0.2*"),
        ("[2*body, 3x3 depthwise conv]", "0.2*p", "0.2*"),
    ],
)
def test_two_numbers_are_one_where_nothing_reads_between(
    p: str, merge: str, said: str
) -> None:
    written = text(PLAIN + GAIN.format("relu", p, merge))
    assert said in written
    assert ("[2*" in written) == (said == "0.2*")


def test_a_number_that_is_read_between_stays() -> None:
    written = text(
        PLAIN + GAIN.format("relu", "2*body", "0.2*p*sigmoid(p)")
    )
    assert "2*p0" in written


class _Between(nn.Module):
    """Its first output is a product, of which the second is one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        own = torch.mul(self.conv(x), 2.0)
        return own, own * 0.25


def test_an_output_is_a_product_of_its_own() -> None:
    found = from_module(_Between(), (3, 8, 8))
    assert len(found.plan.outputs) == 2
    assert found.proof.output == 0.0


class _Halved(nn.Module):
    """What comes in and a layer, a factor of their sum, an activation of all."""

    def __init__(self, factor: float, after: nn.Module) -> None:
        super().__init__()
        self.layer, self.factor, self.after = (
            nn.Conv2d(3, 3, 3, 1, 1),
            factor,
            after,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.after((x + self.layer(x)) * self.factor)


@pytest.mark.parametrize(
    ("after", "merge"),
    [
        (nn.Identity(), "0.7071*(body + x)"),
        (nn.ReLU(), "relu(0.7071*(body + x))"),
    ],
)
def test_a_factor_of_a_sum_is_of_its_block(
    after: nn.Module, merge: str
) -> None:
    net = nn.Sequential(*(_Halved(0.7071, after) for _ in range(3)))
    found = from_module(net, (3, 8, 8))
    assert found.proof.output == 0
    assert f"merge: {merge}\n" in found.text and "3 x Halved" in found.text
