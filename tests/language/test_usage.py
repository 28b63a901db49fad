"""What nothing uses is an error on its line, and what any variant uses is used."""

from __future__ import annotations

import time

import pytest
from nets import mistakes, plan, spec, told

BLOCK = "blocks:\n  b:\n    body: 3x3 conv out linear\n    merge: body + shortcut\n"


@pytest.mark.parametrize(
    ("net", "top", "expected"),
    [
        ("one: relu", BLOCK, [("E034", "b")]),
        ("one: b 8", BLOCK, []),
        ("one: {block: b, out: 8}", BLOCK, []),
        ("one: c 8", BLOCK + "  c: [b out]\n", []),
        ("one: relu", "blocks:\n  b: [b]\n", [("E034", "b")]),
        ("one: relu", "let: {w: 1}", [("E034", "w")]),
        ("one: 3x3 conv 2*w", "let: {w: 4}", []),
        ("one: 3x3 conv v", "let: {w: 4, v: 2*w}", []),
        ("one: 3x3 conv 8", "let: {n: 16}\nunit: [conv, gn n, relu]", [("E042", "3x3 conv 8")]),
        ("one: 3x3 conv 8", "let: {e: 1.0e-3}\nops: {bn: {eps: e}}", []),
        ("one: s 8", "let: {s: basic}", []),
        ("one: b 8", BLOCK.replace("    merge", "    side: relu\n    merge"), [("E034", "side")]),
        ("one: b 8", BLOCK.replace("    body", "    let: {k: 3}\n    body"), [("E034", "k")]),
        ("one: b 16", "blocks: {b: {a: relu, shortcut: none, merge: a + x}}", [("E034", "shortcut"), ("E036", "16")]),
        ("one: relu\ntwo: relu\nthree: [one, relu]", "", [("E034", "two")]),
        ("one: relu\ntwo: [one, relu]\nthree: one + two", "", []),
        ("one: {let: {k: 3}, body: 3x3 conv 8}", "", [("E034", "k")]),
    ],
)  # fmt: skip
def test_unused(net: str, top: str, expected: list[tuple[str, str]]) -> None:
    assert told(spec(net, top=top)) == expected


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ("one: keep 8", [("E036", "8")]),
        ("one: keep /2", [("E036", "/2")]),
        ("one: keep shortcut none", [("E036", "shortcut")]),
        ("one: 3 x keep", []),
        ("one: keep /1", []),
    ],
)
def test_a_call_that_says_nothing(net: str, expected: list[tuple[str, str]]) -> None:
    assert told(spec(net, top="blocks: {keep: [3x3 conv in]}")) == expected


def test_a_width_for_a_block_that_a_let_chose() -> None:
    top = "let: {b: keep}\nblocks: {keep: [3x3 conv in], wide: [3x3 conv out]}\nvariants: {k: {}, w: {b: wide}}"
    for variant in "kw":
        assert plan("one: [3x3 conv 8, b 8]", top=top, variant=variant).output[0] == 8
    assert plan("one: [3x3 conv 4, b 8]", top=top, variant="w").output[0] == 8
    kept = top.replace(", wide: [3x3 conv out]", "").partition("\nvariants")[0]
    assert told(spec("one: [3x3 conv 8, b 8]", top=kept)) == []
    assert told(spec("one: [3x3 conv 4, b 8]", top=kept)) == [("E036", "8")]
    assert told(spec("one: [3x3 conv 8, keep 8]", top=kept.partition("\n")[2])) == [("E036", "8")], "not chosen"


def test_what_one_variant_uses_is_used() -> None:
    top = "let: {b: small}\nblocks:\n  small: [3x3 conv out]\n  large: [5x5 conv out]\nvariants: {s: {}, l: {b: large}}"
    assert plan("one: b 8", top=top, variant="s").params < plan("one: b 8", top=top, variant="l").params


def test_a_misspelled_reader_is_one_mistake() -> None:
    assert told(spec("one: 3x3 conv widht", top="let: {width: 8}")) == [("E030", "widht")]
    assert told(spec("one: b 8", top=BLOCK.replace("body +", "bdoy +"))) == [("E030", "bdoy")]


def test_what_could_not_be_read_may_use_anything() -> None:
    assert told(spec("one: b 8", top=BLOCK.replace("body + shortcut", "body + ("))) == [("E010", "(")]


def test_the_time_grows_with_the_blocks_and_not_with_their_square() -> None:
    def seconds(count: int) -> float:
        blocks = "\n".join(f"  b{i}: [3x3 conv out]" for i in range(count))
        text = spec("one: b7 8", top=f"blocks:\n{blocks}\n")
        started = time.process_time()
        found = mistakes(text)
        assert len(found) == 51
        assert found[-1].message == "50 mistakes are told, and there are more"
        return time.process_time() - started

    def least(count: int) -> float:
        return min(seconds(count) for _ in range(3))  # a busy machine adds to a time, and never takes from it

    assert least(10_000) < 15 * least(2_000), "5 times the blocks; their square is 25"
