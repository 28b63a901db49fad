"""`expect`: what does not hold, by how much, and the usual reason where one explains the number exactly."""

from __future__ import annotations

import pytest
from nets import mistakes, plan, spec

NET = "conv1: 3x3 conv 16\nconv2: 2 x {block} 16\nconv3: 2 x {block} 32 /2\nhead: [global avg pool, fc 10]"
V15 = (
    "blocks:\n  b:\n    body: [1x1 conv out/4, 3x3 conv out/4 /stride, 1x1 conv out linear]\n"
    "    merge: relu(body + shortcut)\n"
)
V1 = V15.replace(
    "out/4, 3x3 conv out/4 /stride", "out/4 /stride, 3x3 conv out/4"
)


def claimed(top: str, block: str = "basic", **claims: object) -> str:
    """A spec that makes claims of itself."""
    said = ", ".join(f"{claim}: {value}" for claim, value in claims.items())
    return spec(
        NET.format(block=block),
        input="3x32x32",
        top=f"{top}\nexpect: {{{said}}}",
    )


def counts(top: str, block: str = "basic") -> dict[str, int]:
    made = plan(NET.format(block=block), input="3x32x32", top=top)
    return {
        "params": made.params,
        "macs": made.macs,
        "depth": made.depth,
        "output": made.output[0],
    }


def test_claims_that_hold_say_nothing() -> None:
    assert mistakes(claimed("", **counts(""))) == []


@pytest.mark.parametrize(
    ("claim", "off", "message"),
    [
        (
            "params",
            1,
            "expected {wrong:,} params, the net has {right:,} (-1)",
        ),
        (
            "params",
            -1000,
            "expected {wrong:,} params, the net has {right:,} (+1,000, 2.",
        ),
        ("macs", -1, "expected {wrong:,} macs, the net has {right:,} (+1)"),
        (
            "depth",
            2,
            "expected a depth of {wrong}, the net has {right} (-2)",
        ),
        (
            "output",
            90,
            "expected an output of {wrong}, the net has {right}",
        ),
    ],
)
def test_the_difference(claim: str, off: int, message: str) -> None:
    right = counts("")[claim]
    (problem,) = mistakes(claimed("", **{claim: right + off}))
    assert problem.code == "E050"
    assert problem.message.startswith(
        message.format(wrong=right + off, right=right)
    )
    assert problem.help == ""


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (1, "(+43,225, 43,000 times as many)"),
        (7_804_200_000, "(-7,804,156,774, 180,000 times fewer)"),
        (40_000, "(+3,226, 8.06% more)"),
        (100_000, "(-56,774, 56.77% less)"),
        (0, "(+43,226)"),
    ],
)
def test_a_claim_of_another_kind_is_told_in_times(
    expected: int, said: str
) -> None:
    (problem,) = mistakes(claimed("", params=expected))
    assert (
        problem.message
        == f"expected {expected:,} params, the net has 43,226 {said}"
    )


@pytest.mark.parametrize(
    "meant", ["projection", "zero-pad", "projection always"]
)
@pytest.mark.parametrize(
    "written", ["projection", "zero-pad", "projection always"]
)
def test_the_option_of_the_shortcut_that_was_meant(
    written: str, meant: str
) -> None:
    right = counts(f"shortcut: {meant}")["params"]
    found = mistakes(claimed(f"shortcut: {written}", params=right))
    assert [problem.help for problem in found] == (
        []
        if written == meant
        else [
            next(p.help for p in found if f"`shortcut: {meant}`" in p.help)
        ]
    )


def test_the_placement_of_the_stride_that_was_meant() -> None:
    old, new = (counts(top, "b")["macs"] for top in (V1, V15))
    assert old < new
    (problem,) = mistakes(claimed(V15, "b", macs=old))
    assert (
        problem.help
        == f"with the stride on the first 1x1 conv (v1) it would be {old:,}"
    )
    (problem,) = mistakes(claimed(V1, "b", macs=new))
    assert (
        problem.help
        == f"with the stride on the 3x3 conv (v1.5) it would be {new:,}"
    )


def test_a_standard_block_can_be_meant_otherwise() -> None:
    text = claimed("", "bottleneck", macs=counts(V1, "b")["macs"])
    assert "(v1)" in mistakes(text)[0].help


def test_only_what_explains_the_number_exactly_is_a_reason() -> None:
    right = counts("shortcut: zero-pad")["params"]
    (problem,) = mistakes(claimed("", params=right + 1))
    assert problem.help == ""


def test_claims_of_a_variant() -> None:
    top = "let: {w: 10}\nvariants: {a: {}, b: {w: 20}}\nexpect: {a: {output: 10}, b: {output: 10}}"
    text = spec("head: [global avg pool, fc w]", top=top)
    assert mistakes(text, "a") == []
    assert [problem.message for problem in mistakes(text, "b")] == [
        "expected an output of 10, the net has 20"
    ]


@pytest.mark.parametrize("value", ["10", "'10'", "10x1", "1000"])
def test_outputs_are_written_as_shapes(value: str) -> None:
    found = mistakes(claimed("", output=value))
    assert bool(found) == (value.strip("'") != "10")
