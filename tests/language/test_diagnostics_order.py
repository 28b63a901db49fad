"""How the mistakes of a spec are told: all at once, in order, each once, and never a mistake with its consequences."""

from __future__ import annotations

import pytest
from nets import mistakes, spec, told

from resgraph.errors import (
    MOST_TOLD,
    NOWHERE,
    Diagnostic,
    Source,
    Span,
    in_order,
)

FILE = Source("a.yaml", "one: [two, three]\nfour: five\n")
OTHER = Source("b.yaml", "one: [two, three]\nfour: five\n")


def at(
    line: int, column: int, length: int = 1, source: Source = FILE
) -> Span:
    return Span(source, line, column, line, column + length)


def codes(*found: tuple[str, Span]) -> list[str]:
    return [
        problem.code
        for problem in in_order(
            Diagnostic(code, "wrong", span) for code, span in found
        )
    ]


def test_from_top_to_bottom() -> None:
    assert codes(
        ("E012", at(2, 1)), ("E010", at(1, 6)), ("E011", at(1, 1))
    ) == [
        "E011",
        "E010",
        "E012",
    ]


def test_file_by_file() -> None:
    assert codes(("E010", at(2, 1, source=OTHER)), ("E011", at(1, 1)), ("E012", at(1, 1, source=OTHER))) == [
        "E012", "E010", "E011",
    ]  # fmt: skip


def test_what_has_no_place_comes_first() -> None:
    assert codes(("E010", at(1, 1)), ("E001", NOWHERE)) == ["E001", "E010"]


def test_equal_ones_once() -> None:
    assert codes(("E010", at(1, 1)), ("E010", at(1, 1))) == ["E010"]


def test_on_the_same_characters_the_first_is_the_cause() -> None:
    assert codes(("E023", at(1, 1, 3)), ("E034", at(1, 1, 3))) == ["E023"]
    assert codes(("E023", at(1, 1, 3)), ("E034", at(1, 1, 2))) == [
        "E023",
        "E034",
    ]


def test_in_what_yaml_could_not_read_nothing_more_is_wrong() -> None:
    assert codes(
        ("E006", at(1, 6, 11)), ("E010", at(1, 8)), ("E011", at(2, 1))
    ) == [
        "E006",
        "E011",
    ]
    assert codes(("E022", at(1, 6, 11)), ("E010", at(1, 8))) == [
        "E022",
        "E010",
    ]


def test_two_missing_keys_at_one_place_are_two() -> None:
    missing = [
        Diagnostic("E021", f"`{name}` is missing", at(1, 1))
        for name in ("name", "net")
    ]
    assert len(in_order(missing)) == 2


def test_a_limit() -> None:
    many = [
        Diagnostic("E010", "wrong", at(line, 1)) for line in range(1, 200)
    ]
    found = in_order(many)
    assert len(found) == MOST_TOLD + 1
    assert (found[-1].code, found[-1].message) == (
        "E004",
        "50 mistakes are shown, and there are more",
    )


def test_labels_shapes_and_use_in_one_go() -> None:
    top = "let: {v: 1}\nblocks:\n  b: {body: 3x3 conv out, other: relu, merge: body + x}\n"
    net = "one: 3x3 convv 8\ntwo: [input, 3x3 conv 8/2]\nthree: [input, b 32]\nfour: 3x3 conv 5 groups 5"
    assert told(spec(net, top=top)) == [
        ("E034", "v"), ("E034", "other"), ("E040", "body + x"), ("E034", "one"), ("E011", "convv"), ("E034", "two"),
        ("E015", "8/2"),
    ]  # fmt: skip


def test_what_follows_from_a_mistake_is_silent() -> None:
    assert told(
        spec(
            "one: 3x3 convv 8\ntwo: 3x3 conv in\nthree: [fc 3, 3x3 conv 8]"
        )
    )[0] == ("E011", "convv")
    assert told(
        spec(
            "one: 3x3 conv w/2\ntwo: bottleneck 32\nthree: [global avg pool, fc 10]"
        )
    ) == [("E030", "w")]
    assert told(
        spec("one: [40x40 conv 8 pad 0, 5 x basic 7, part 0 of 2]")
    ) == [("E043", "40x40 conv 8 pad 0")]


NEXT = "3x3 conv 9 groups 5"


@pytest.mark.parametrize(
    ("first", "mistake"),
    [
        ("3x3 convv 8", ("E011", "convv")),
        ("3x3 conv 8 strid 2", ("E012", "strid")),
        ("3x3 conv 8 rellu", ("E012", "rellu")),
        ("3x3 conv 8 causal", ("E012", "causal")),
        ("3x3 conv 8 stride=2", ("E012", "stride=2")),
        ("3x3 conv 8 s2", ("E012", "s2")),
        ("3x3 conv 8 relu linear", ("E013", "linear")),
        ("3x3 conv 8 groups 0", ("E035", "0")),
        ("3x3 conv 8 groups 1.5", ("E032", "1.5")),
        ("3x3 conv 8 groups k", ("E030", "k")),
        ("3x3 conv 8 groups 3", ("E042", "3x3 conv 8 groups 3")),
        ("3x3 conv 8 bias yes", ("E022", "yes")),
        ("3x3 conv 8 groups 2 groups 4", ("E013", "groups")),
        ("conv 3x3 8", ("E014", "3x3")),
        ("3x3 conv 8/2", ("E015", "8/2")),
        ("3x3 depthwise conv 8", ("E012", "8")),
        ("{op: conv, kernel: 3, width: 8, group: 2}", ("E012", "group")),
        ("{op: conv, kernel: 3, width: 8, groups: 0}", ("E035", "0")),
        ("bn 16", ("E012", "16")),
        ("gn 5", ("E042", "gn 5")),
        ("dropout", ("E021", "dropout")),
        ("3x3 relu", ("E012", "3x3")),
        ("basic 8 grups 2", ("E012", "grups")),
        ("basic 8 warm 2", ("E012", "warm")),
        ("basic 8 shortcut B", ("E012", "B")),
        ("basik 8", ("E011", "basik")),
        ("3*basic 8", ("E011", "3*basic")),
        ("3 bottleneck 8", ("E011", "3 bottleneck")),
        ("[3x3 conv 8, 3x3 conv 8 twice]", ("E012", "twice")),
        ("[stem + x, 3x3 conv 8]", ("E030", "x")),
        (
            "{body: [3x3 convolv 16, 3x3 conv out], merge: body + x, out: 16}",
            ("E011", "convolv"),
        ),
    ],
)
def test_behind_a_mistake_that_leaves_the_shape_known_the_rest_is_checked(
    first: str, mistake: tuple[str, str]
) -> None:
    found = told(spec(f"stem: 3x3 conv 16\none: {first}\ntwo: {NEXT}"))
    assert found == [mistake, ("E042", NEXT)]


@pytest.mark.parametrize(
    ("first", "mistake"),
    [
        ("3x3 konvolution 8", ("E011", "konvolution")),
        ("3x3 conv 8 stride 1.5", ("E032", "1.5")),
        ("3x3 conv w", ("E030", "w")),
        ("3x3 conv 8 8", ("E013", "8")),
        ("3x3 conv 8 widen 2", ("E012", "widen")),
        ("conv 8", ("E021", "conv 8")),
        ("basic 8 /2 /2", ("E013", "/2")),
        ("cnn 8", ("E011", "cnn")),
        ("fcc 8", ("E011", "fcc")),
        ("concat(stem stm)", ("E030", "stm")),
    ],
)
def test_behind_a_mistake_that_hides_the_shape_nothing_of_shape_is_told(
    first: str, mistake: tuple[str, str]
) -> None:
    assert told(spec(f"stem: 3x3 conv 16\none: {first}\ntwo: {NEXT}")) == [
        mistake
    ]


def test_a_mistake_in_a_branch_leaves_the_sum_known() -> None:
    blocks = "blocks:\n  b:\n    body: {}\n    merge: relu({})\n"
    rows = f"one: b 32 /2\ntwo: {NEXT}"
    for body, merge, mistake in (
        ("3x3 konvolution out", "body + shortcut", ("E011", "konvolution")),
        ("3x3 conv out/3", "body + shortcut", ("E032", "out/3")),
        ("3x3 conv out /stride", "bodi + shortcut", ("E030", "bodi")),
        ("3x3 conv out /stride", "shortcut*foo", ("E030", "foo")),
    ):
        assert told(spec(rows, top=blocks.format(body, merge))) == [
            mistake,
            ("E042", NEXT),
        ]
    unprojected = blocks.format("3x3 konvolution out /stride", "body + x")
    assert told(spec(rows, top=unprojected)) == [("E011", "konvolution")]
    identity = (
        blocks.format("3x3 conv out /stride", "body + shortcut")
        + "shortcut: identity\n"
    )
    assert told(spec(rows, top=identity)) == [("E041", "b"), ("E042", NEXT)]


def test_what_no_shape_depends_on_hides_nothing() -> None:
    for top, mistake in (
        ("abuot: a net", ("E020", "abuot")),
        ("batch: 128", ("E020", "batch")),
        ("expect: {parms: 3}", ("E020", "parms")),
        ("train: {recipe: digits, epohs: 3}", ("E020", "epohs")),
        ("init: {conv: kaiming}", ("E022", "kaiming")),
        ("allow: [oddwidth]", ("E022", "oddwidth")),
        ("unit: conv bn rellu", ("E011", "rellu")),
        ("shortcut: B", ("E012", "B")),
        ("ops: {bn: {epsilon: 1}}", ("E012", "epsilon")),
    ):
        assert told(spec(f"one: {NEXT}", top=top)) == [
            mistake,
            ("E042", NEXT),
        ], top
    assert told(f"nmae: test\ninput: 16x8x8\nnet: {{one: {NEXT}}}\n") == [
        ("E020", "nmae"),
        ("E042", NEXT),
    ]
    assert told(f"input: 16x8x8\nnet: {{one: {NEXT}}}\n") == [
        ("E021", "i"),
        ("E042", NEXT),
    ]
    assert told(spec(f"one: {NEXT.replace('9', 'w')}", top="lets: {w: 9}")) == [
        ("E020", "lets"), ("E042", NEXT.replace("9", "w")),
    ]  # fmt: skip


def test_every_mistake_of_yaml_and_of_the_rest_of_the_file() -> None:
    text = "name: a\nname: b\ninput: 3x8x8\nnet:\n  one: 3x3 convv 8\n  two: ~\n"
    found = [
        (problem.code, problem.span.line)
        for problem in mistakes(text)
        if problem.span
    ]
    assert found == [("E005", 2), ("E011", 5), ("E008", 6)]


@pytest.mark.parametrize("key", ["var", "definitions", "whatever"])
def test_what_stands_below_an_unknown_key_is_not_unknown_as_well(
    key: str,
) -> None:
    assert told(spec("one: 3x3 conv w", top=f"{key}: {{w: 8}}\n")) == [
        ("E020", key)
    ]


def test_a_block_below_an_unknown_key_is_not_unknown_as_well() -> None:
    top = "cells_of_it: {pair: {body: 3x3 conv out, merge: body + shortcut}}\n"
    assert told(spec("one: pair 8", top=top)) == [("E020", "cells_of_it")]
