"""What most calls of a block have is a formula, and the others say theirs."""

from __future__ import annotations

import re

import pytest

from resgraph import from_module
from resgraph.plan import loads

WIDE = """name: a
input: 3x16x16
blocks:
  wide:
    let:   {width: make_divisible(2.25*in 8)}
    body:  [1x1 conv width, 2 x 3x3 conv width, 1x1 conv out linear]
    merge: relu(body + shortcut)
net:
  stem: 3x3 conv 24
  one:  [wide 24 width 24, 2 x wide 24]
  two:  [wide 40, 2 x wide 40]
  head: [wide 88, wide 88, global avg pool, fc 8]
"""


def text(spec: str) -> str:
    """Import of the module that a spec compiles to."""
    found = from_module(loads(spec).module(), (3, 16, 16))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return found.text


def test_a_width_follows_from_what_comes_in_but_for_the_first() -> None:
    written = text(WIDE)
    assert "{width: make_divisible(2.25*in 8)}" in written
    assert re.findall(r"width \d+", written) == ["width 24"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2.25*in 8", "2.25*in + 40*index*(1 - index) 8"),
        ("wide 88", "wide 40"),
    ],
    ids=["no rule", "two widths"],
)
def test_widths_that_follow_no_rule_are_numbers(old: str, new: str) -> None:
    assert "*in" not in text(WIDE.replace(old, new))


GROUPS = """name: a
input: 3x16x16
blocks:
  rx: {body: [1x1 conv out, 3x3 conv out groups out/20, 1x1 conv out linear], merge: relu(body + shortcut)}
net: {stem: 3x3 conv 40, one: [rx 40, rx 80], two: 2 x rx 120, head: [global avg pool, fc 8]}
"""


def test_groups_of_as_many_channels_everywhere_are_a_share() -> None:
    spec = GROUPS
    assert "groups out/20" in text(spec)


def test_groups_that_are_no_share_are_set_by_calls() -> None:
    spec = GROUPS.replace("{body", "{let: {g: 2}, body")
    spec = spec.replace("out/20", "g").replace("rx 120", "rx 120 g 5")
    assert "groups groups" in text(spec)


UNET = """name: a
input: 3x16x16
blocks:
  twice: {let: {width: out}, body: [3x3 conv width, 3x3 conv out]}
net:
  inc:   twice 16
  down1: [max pool /2, twice 32]
  down2: [max pool /2, twice 64]
  down3: [max pool /2, twice 64, upsample 2]
  up1:   [concat(down2 down3), twice 32 width 64, upsample 2]
  up2:   [concat(down1 up1), twice 16 width 32, upsample 2]
  up3:   [concat(inc up2), twice 16]
"""


def test_what_most_calls_have_comes_before_what_is_shorter() -> None:
    """A U-Net as many repositories have it: five of its seven pairs are as wide as they end, and
    `max(in/2 16)` of four would be three letters shorter."""
    written = text(UNET)
    assert "{width: out}" in written
    assert re.findall(r"width \d+", written) == ["width 64", "width 32"]
