"""Blocks of one class of the author's, with a sum and without, with a gate and without, are one
block; and so are those of which one has no activation. Each case is proven equal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resgraph import from_module
from resgraph.plan import loads

FRAME = "name: a\ninput: 3x32x32\n{}\n"


class _Gate(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean((2, 3), keepdim=True)).sigmoid()


class _Osa(nn.Module):
    """Lee et al. 2019, Figure 1 b; the last of a stage alone has a gate."""

    def __init__(
        self, width_in: int, width: int, *, gated: bool = True
    ) -> None:
        super().__init__()
        self.one, self.two = (
            nn.Conv2d(n, 8, 3, padding=1, bias=False) for n in (width_in, 8)
        )
        self.join = nn.Conv2d(width_in + 16, width, 1, bias=False)
        self.gate = _Gate(width) if gated else nn.Identity()
        self.same = width_in == width

    def forward(self, x: Tensor) -> Tensor:
        one = self.one(x).relu()
        joined = torch.cat([x, one, self.two(one).relu()], 1)
        body = self.gate(self.join(joined).relu())
        return body + x if self.same else body


def _stage(width_in: int, width: int, blocks: int) -> nn.Module:
    widths = [width_in, *[width] * blocks]
    last = blocks - 1
    made = [_Osa(widths[n], width, gated=n == last) for n in range(blocks)]
    return nn.Sequential(nn.MaxPool2d(3, 2, 1), *made)


def test_modules_of_a_class_with_and_without_a_sum() -> None:
    net = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), *(
        _stage(*each) for each in ((16, 24, 1), (24, 32, 4), (32, 48, 4))
    ))  # fmt: skip
    found = from_module(net, (3, 64, 64))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    text = found.text
    assert (
        "gates x Gate]\n    shortcut: none\n    merge:    body + shortcut"
        in text
    )
    assert "row2: Osa 24 gates 1\n" in text
    assert "[3x3 max pool /2, 3 x Osa 32, Osa 32 gates 1]" in text
    assert "[3x3 max pool /2, 3 x Osa 48, Osa 48 gates 1]" in text


def test_a_layer_without_an_activation_is_an_option() -> None:
    """Han et al. 2020, Figure 3: the second module of a block has none."""
    spec = """
blocks:
  cheap: {let: {act: relu}, new: 3x3 depthwise conv act, merge: concat(x new)}
  ghost:
    body:  [1x1 conv 2*in, cheap, 3x3 depthwise conv linear, 1x1 conv in/2 linear, cheap act linear]
    merge: body + x
net: {stem: 3x3 conv 16, one: 3 x ghost, two: [3x3 conv 32 /2, 3 x ghost], head: 1x1 conv 8}"""
    found = from_module(loads(FRAME.format(spec)).module(), (3, 32, 32))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert (
        "let:   {act: relu}\n    body:  3x3 depthwise conv act\n"
        in found.text
    )
    assert "act linear]\n    merge: body + x" in found.text
    assert found.text.count("merge:") == 2


@pytest.mark.parametrize("one", ["", " act silu end linear"])
def test_a_layer_may_lack_the_activation_of_its_block(one: str) -> None:
    """Whichever stands first: the block's one activation is not that of a linear layer."""
    two = "" if one else " act silu end linear"
    spec = f"""
blocks:
  wide:
    let:   {{act: relu, end: relu}}
    body:  [1x1 conv 2*in act, 3x3 depthwise conv act, 3x3 depthwise conv act, 1x1 conv in end]
    merge: body + x
net: {{stem: 3x3 conv 16, one: 3 x wide{one}, two: [3x3 conv 32 /2, 3 x wide{two}], head: 1x1 conv 8}}"""
    found = from_module(loads(FRAME.format(spec)).module(), (3, 32, 32))
    assert found.proof.output is not None and found.proof.output <= 1e-9
    assert "2 x 3x3 depthwise conv act, 1x1 conv in act2]" in found.text
