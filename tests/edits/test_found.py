"""Words that were once mended into another net: what is written, and what is made of it (nothing, if nothing)."""

from __future__ import annotations

import pytest

from resgraph.mending import examine, mended

SPEC = """name: tiny
input: 3x16x16
blocks:
  pair: {{body: [3x3 conv out /stride, 3x3 conv out linear], merge: relu(body + shortcut)}}
net:
  conv1: 3x3 conv 8
  conv2: {}
  conv3: pair 16 /2
  head: [global avg pool, fc 3]
"""

MENDED = {
    "3x3 Conv 8": "3x3 conv 8",
    "3x3 conv 64 swish": "3x3 conv 64 silu",
    "[pair 8, hsigmoid]": "[pair 8, hardsigmoid]",
    "[pair 8, drop out 0.2]": "[pair 8, dropout 0.2]",
    "pixelshuffle 2": "pixel shuffle 2",
    "PReLU": "prelu",
    "[pair 8, InstanceNorm2d]": "[pair 8, instance norm]",
    "[pair 8, dropblock 0.1]": "[pair 8, drop block 0.1]",
    "interpolate 2": "upsample 2",
    "[conv1, RMSNorm]": "[conv1, rms norm]",
    "[pair 8, maxpool /2]": "[pair 8, max pool /2]",
    "swish(conv1)": "silu(conv1)",
    "RELU(conv1)": "relu(conv1)",
    "pair 8 strides 2": "pair 8 stride 2",
    "[pair 8, gloabl avg pool, fc 8, flatten]": "[pair 8, global avg pool, fc 8, flatten]",
}
LEFT = {
    "2 x se-resnext 256": "no op or block `se-resnext`",
    "corner pad 1": "an op of a package that is not installed",
    "3x3 pool": "did you mean",
    "avgpool": "did you mean `global avg pool`?",
    "mbconv6 16": "resgraph has no `mbconv6`",
    "3x3 pwconv 8": "is `1x1 conv 64`",
    "3x3 mconv 8": "did you mean",
    "[conv1, elu6]": "no op or block `elu6`",
}
FOREIGN = [
    "[pair 8, rrelu]", "[pair 8, crelu]", "[pair 8, glu]", "[pair 8, geglu]", "min pool /2",
    "2x2 lp pool /2", "[pair 8, lrn]", "[pair 8, in]", "[pair 8, softmin]", "3x3 conv3d 8", "lstm 64", "mhsa 4",
    "unshuffle 2", "resize 224", "3x3 sepconv 64", "3x3 conv 8 rrelu", "rrelu(conv1)", "permute 0 2 1",
    "[conv1, log sigmoid]",
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "right"), MENDED.items())
def test_what_is_certain_is_mended(wrong: str, right: str) -> None:
    first, *_ = (
        problem for problem in examine(SPEC.format(wrong)) if problem.edits
    )
    assert first.span is not None
    assert mended(first.span.source, first.edits) == SPEC.format(right)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [*LEFT.items(), *((row, "resgraph has no") for row in FOREIGN)],
)
def test_what_is_not_certain_is_answered_and_left(
    wrong: str, said: str
) -> None:
    found = examine(SPEC.format(wrong))
    assert all(not problem.edits for problem in found)
    assert any(said in problem.frame() for problem in found)
