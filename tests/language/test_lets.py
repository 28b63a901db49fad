"""`let`: values of a file and of a block, worked out when they are read, where they were declared."""

from __future__ import annotations

import pytest
from nets import mistakes, ops, plan, spec, told


def width(top: str, net: str = "one: 3x3 conv w bare") -> int:
    return plan(net, top=top).output[0]


@pytest.mark.parametrize(
    ("let", "expected"),
    [
        ("{w: 24}", 24),
        ("{w: 2*a, a: 12}", 24),
        ("{w: a + b, a: 2*b, b: 8}", 24),
        ("{w: reps.1*a, reps: [1, 2], a: 12}", 24),
        ("{w: max(a 8), a: 24}", 24),
        ("{w: floor(a), a: 24.9}", 24),
        ("{w: make_divisible(a 8), a: 21}", 24),
        ("{w: grid.1.0, grid: [[1], [24]]}", 24),
        ("{w: list.0, list: [a, 3], a: 24}", 24),
    ],
)
def test_values(let: str, expected: int) -> None:
    assert width(f"let: {let}") == expected


def test_words() -> None:
    top = "let: {b: bottleneck, act: gelu, unit_word: conv relu}\nunit: unit_word"
    made = ops(
        plan("one: b 16\ntwo: 3x3 conv 8 act\nthree: [act]", top=top)
    )
    assert (
        next(name for name in made if "body" in name) == "one.body.0.conv"
    )
    assert list(made)[-3:] == ["two.conv", "two.gelu", "three.0"]


BLOCK = "blocks:\n  b:\n    let: {nl: relu, after: nl}\n    body: [3x3 conv out nl, after]\n    merge: body + x\n"


@pytest.mark.parametrize(
    ("let", "net"),
    [
        ("{act: silu}", "one: b 16 nl act"),  # handed on by a call
        (
            "{act: silu, other: act}",
            "one: b 16 nl other",
        ),  # two names of one word
        ("{act: silu}", "one: {block: b, out: 16, nl: act}"),
        ("{act: silu, kind: b, other: kind}", "one: other 16 nl act"),
    ],
)
def test_a_word_may_be_the_name_of_a_word(let: str, net: str) -> None:
    made = plan(net, top=f"let: {let}\n{BLOCK}")
    assert [name.rpartition(".")[2] for name in ops(made)] == [
        "conv",
        "bn",
        "silu",
        "1",
        "add",
    ]
    assert ops(made)["one.body.1"] == "silu"


def test_a_policy_may_be_a_let() -> None:
    made = plan("one: basic 32", top="let: {s: zero-pad}\nshortcut: s")
    assert "one.shortcut" in made.graph.nodes


def test_a_block_reads_the_files_values_and_its_own() -> None:
    top = "let: {e: 4}\nblocks:\n  b:\n    let: {mid: out/e}\n    body: [1x1 conv mid, 1x1 conv out]\n"
    assert [
        node.shape[0]
        for node in plan("one: b 32", top=top).graph.nodes.values()
    ][1] == 8


def test_a_call_sets_the_values_of_its_block_where_the_call_is_written() -> (
    None
):
    top = (
        "let: {k: 3}\nblocks:\n  inner:\n    let: {mid: 1}\n    body: [1x1 conv mid, 1x1 conv out]\n"
        "  outer: [1x1 conv 8, inner out mid in]\n"
    )
    made = plan("one: outer 32\ntwo: inner 32 mid k", top=top)
    # `in` of the call in `outer` is outer's own input, 16 channels, not the 8 that reach `inner`.
    assert made.graph.nodes["one.1.0.conv"].shape[0] == 16
    assert made.graph.nodes["two.0.conv"].shape[0] == 3


def test_a_files_values_do_not_reach_library_blocks() -> None:
    top = "let: {width: 5}"
    made = plan("one: bottleneck 32\ntwo: 3x3 conv width", top=top)
    assert made.graph.nodes["one.body.0.conv"].shape[0] == 8


def test_only_what_is_read_is_worked_out() -> None:
    """`variants` may leave a value that would be wrong if it were read."""
    top = "let: {b: basic, deep: 5/0}\nblocks: {never: [3x3 conv deep]}\nvariants: {plain: {}, odd: {b: never}}"
    assert plan("one: b 8", top=top, variant="plain").output[0] == 8
    assert told(spec("one: b 8", top=top), "odd")[0][0] in ("E032", "E036")


@pytest.mark.parametrize(
    ("let", "chain"),
    [
        ("{w: w}", "w → w"),
        ("{w: a, a: w}", "w → a → w"),
        ("{w: a, a: b + 1, b: 2*a}", "a → b → a"),
        ("{w: l.0, l: [1, w]}", "w → l → w"),
    ],
)
def test_circles(let: str, chain: str) -> None:
    (problem,) = mistakes(spec("one: 3x3 conv w", top=f"let: {let}"))
    assert problem.code == "E037"
    assert problem.notes == (f"the chain is {chain}",)


def test_a_circle_that_is_read_at_several_places_is_one_mistake() -> None:
    (problem,) = mistakes(
        spec("one: 3x3 conv w\ntwo: 3x3 conv v", top="let: {v: 2*w, w: v}")
    )
    assert problem.message == "`v` is worked out from itself"


def test_a_long_chain_is_no_recursion() -> None:
    lets = ", ".join(
        [f"a{i}: a{i + 1}" for i in range(3000)] + ["a3000: 8"]
    )
    assert width(f"let: {{{lets}}}", "one: 3x3 conv a0") == 8


def test_a_long_circle_is_told_short() -> None:
    lets = ", ".join(
        [f"a{i}: a{i + 1}" for i in range(3000)] + ["a3000: a0"]
    )
    (problem,) = mistakes(spec("one: 3x3 conv a0", top=f"let: {{{lets}}}"))
    assert problem.notes == (
        "the chain is a0 → a1 → a2 → a3 → … → a2998 → a2999 → a3000 → a0",
    )


def test_a_block_may_not_hide_a_files_value() -> None:
    top = "let: {w: 1}\nblocks: {b: {let: {w: 2}, body: 3x3 conv w}}"
    assert told(spec("one: b", top=top)) == [("E033", "w")]


@pytest.mark.parametrize(
    ("let", "code", "at"),
    [
        ("{w: [1, 2]}", "E031", "w"),
        ("{w: true}", "E012", "w"),
        ("{w: {a: 1}}", "E022", "{a: 1}"),
        ("{w: 5/2}", "E032", "5/2"),
        ("{w: v*2}", "E030", "v"),
        ("{w: in*2}", "E030", "in"),
        ("{w: x}", "E030", "x"),
        ("{w: 3x3}", "E031", "w"),
        ("{w: 2 +}", "E010", "+"),
        ("[1]", "E022", "[1]"),
    ],
)
def test_mistakes(let: str, code: str, at: str) -> None:
    assert told(spec("one: 3x3 conv w", top=f"let: {let}"))[0] == (code, at)
