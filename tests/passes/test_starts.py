"""Which parameters do not start as their layers say."""

from __future__ import annotations

from pathlib import Path

import resgraph
from resgraph.passes.starts import Start, starts

SPECS = Path(__file__).parents[2] / "specs"


def of(text: str, **options: bool) -> dict[str, tuple[Start, ...]]:
    return starts(
        resgraph.loads(f"name: net\ninput: 4x8x8\n{text}").graph, **options
    )


def test_a_bias_belongs_to_its_block_or_to_the_net() -> None:
    text = "blocks:\n  g:\n    T: 3x3 conv out sigmoid bias -2\n    merge: x*T\nnet:\n  a: 3x3 conv 4 bias 1\n  b: 2 x g\n"
    assert of(text) == {
        "": (Start("a.conv.bias", 1.0),),
        "b.0": (Start("T.conv.bias", -2.0),),
        "b.1": (Start("T.conv.bias", -2.0),),
    }


def test_a_bias_of_zero_is_said_only_where_it_is_not_so_anyway() -> None:
    text = "net:\n  a: 3x3 conv 4 bias 0\n  b: [global avg pool, fc 2 bias 0]\n"
    assert of(text) == {
        "": (Start("a.conv.bias", 0.0), Start("b.1.bias", 0.0))
    }
    assert of(text, zero_biases=True) == {"": (Start("b.1.bias", 0.0),)}


def test_the_last_norm_of_a_residual_branch() -> None:
    plan = resgraph.load(SPECS / "resnet.yaml::resnet-50")
    found = starts(plan.graph, zero_last=True)
    assert len(found) == 16
    assert set(found.values()) == {(Start("body.2.bn.weight", 0.0),)}


def test_behind_gates_and_drop_path() -> None:
    text = (
        "blocks:\n  se:\n    s: [global avg pool, fc in sigmoid]\n    merge: x*s\n"
        "  b:\n    body: [3x3 conv out, 3x3 conv out linear, se, drop path 0.1]\n    merge: relu(shortcut + body)\n"
        "net:\n  a: b 4\n  c: b 8\n"
    )
    assert of(text, zero_last=True) == {
        "a": (Start("body.1.bn.weight", 0.0),),
        "c": (Start("body.1.bn.weight", 0.0),),
    }


def test_a_branch_that_ends_in_a_convolution() -> None:
    block = "blocks:\n  b:\n    body: [3x3 conv out, 3x3 conv out]\n    merge: body + x\n"
    text = f"unit: bn relu conv\n{block}net:\n  a: b 4\n"
    assert of(text, zero_last=True) == {
        "a": (Start("body.1.conv.weight", 0.0),)
    }


def test_each_kernel_of_a_mixed_convolution() -> None:
    block = "unit: bn relu conv\nblocks:\n  b: {body: 3x3 depthwise conv mixed 2, merge: body + x}\n"
    text = f"{block}net:\n  a: b\n  c: 3x3 depthwise conv mixed 2 bias 1\n"
    assert of(text, zero_last=True) == {
        "": (Start("c.conv.0.bias", 1.0), Start("c.conv.1.bias", 1.0)),
        "a": (
            Start("body.conv.0.weight", 0.0),
            Start("body.conv.1.weight", 0.0),
        ),
    }


def test_a_sum_without_a_shortcut_has_no_residual_branch() -> None:
    text = "blocks:\n  b:\n    p: 3x3 conv out\n    q: 3x3 conv out\n    merge: p + q\nnet:\n  a: b 4\n"
    assert of(text, zero_last=True) == {}
