"""Labels: every op as Figure 3 writes it, the units of rule 5, options, modes, and the long form that says the same."""

from __future__ import annotations

import re

import pytest
from nets import mistakes, ops, plan, shapes, spec, told

from resgraph.language.grammar.targets import fields_of, is_flag
from resgraph.ops import VOCABULARY

UNITS = [
    "conv bn relu",
    "conv relu",
    "bn relu conv",
    "relu conv bn",
    "conv",
]
RULE_5 = {
    "": [
        "conv bn relu",
        "conv+b relu",
        "bn relu conv",
        "relu conv bn",
        "conv+b",
    ],
    "gelu": [
        "conv bn gelu",
        "conv+b gelu",
        "error",
        "error",
        "conv+b gelu",
    ],
    "linear": ["conv bn", "conv+b", "conv", "conv bn", "conv+b"],
    "bare": ["conv", "conv+b", "conv", "conv", "conv+b"],
}
"""The table of docs/language.md, rule 5, to the letter; `+b` is a bias."""


def unit_of(label: str, unit: str) -> str:
    """The ops that a label stands for, with `+b` at a conv that has a bias."""
    made = plan(f"one: {label}", top=f"unit: {unit}")
    words = []
    for name, node in made.graph.nodes.items():
        if name != "input":
            biased = (
                node.op.op == "conv"
                and node.cost.params == 16 * 65 * 9 + 65
            )
            words.append(node.op.op + "+b" * biased)
    return " ".join(words)


@pytest.mark.parametrize("mode", RULE_5)
@pytest.mark.parametrize("column", range(5), ids=UNITS)
def test_rule_5(mode: str, column: int) -> None:
    label = f"3x3 conv 65 {mode}".strip()
    unit = UNITS[column]
    expected = RULE_5[mode][column]
    if expected == "error":
        assert told(spec(f"one: {label}", top=f"unit: {unit}")) == [
            ("E012", mode)
        ]
    else:
        assert unit_of(label, unit) == expected


def test_activation_replaces_the_last_one_after_the_conv() -> None:
    assert unit_of("3x3 conv 65 gelu", "conv relu bn") == "conv gelu bn"
    assert unit_of("3x3 conv 65 gelu", "conv bn") == "conv bn gelu"


def test_a_unit_of_a_list_has_options() -> None:
    made = plan(
        "one: 3x3 conv 64", top="unit: [conv, gn 16, leaky relu 0.1]"
    )
    assert ops(made) == {
        "one.conv": "3x3 conv 64",
        "one.gn": "gn 16",
        "one.leaky_relu": "leaky relu 0.1",
    }


def test_a_unit_of_a_block_holds_for_its_own_labels_only() -> None:
    top = "blocks:\n  inner: [3x3 conv out]\n  outer:\n    unit: conv relu\n    body: [3x3 conv out, inner]\n"
    made = plan("one: outer 8", top=top)
    assert list(ops(made)) == [
        "one.0.conv", "one.0.relu", "one.1.0.conv", "one.1.0.bn", "one.1.0.relu",
    ]  # fmt: skip


def test_a_second_op_of_a_kind_is_numbered() -> None:
    made = plan("one: 3x3 conv 8", top="unit: bn conv bn relu")
    assert list(ops(made)) == ["one.bn", "one.conv", "one.bn2", "one.relu"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("3x3 conv 64 bias none", ""),
        ("3x3 conv 64 bias 0", "bias 0"),
        ("3x3 conv 64 bias -2", "bias -2"),
    ],
)
def test_bias(written: str, said: str) -> None:
    (label,) = ops(plan(f"one: {written} bare")).values()
    params = plan(f"one: {written} bare").params
    assert params == 16 * 64 * 9 + (64 if said else 0)
    assert said in label


@pytest.mark.parametrize(
    ("label", "shape"),
    [
        ("3x3 conv 64", (64, 32, 32)),
        ("3x3 conv 64 /2", (64, 16, 16)),
        ("3x3 conv, 64, /2", (64, 16, 16)),
        ("conv 64 kernel 3", (64, 32, 32)),
        ("1x7 conv 8", (8, 32, 32)),
        ("7x7 conv 8 /2x1", (8, 16, 32)),
        ("3x3 conv 8 /1x2", (8, 32, 16)),
        ("3x3 conv 8 pad 0", (8, 30, 30)),
        ("3x3 conv 8 pad 0x1", (8, 30, 32)),
        ("3x3 conv 8 dilation 2", (8, 32, 32)),
        ("3x3 conv 32 groups 16", (32, 32, 32)),
        ("4x4 conv 8 /4", (8, 8, 8)),
        ("3x3 depthwise conv", (16, 32, 32)),
        ("3x3 depthwise conv /2", (16, 16, 16)),
        ("2x2 up conv 8 /2", (8, 64, 64)),
        ("3x3 max pool /2", (16, 16, 16)),
        ("2x2 avg pool /2", (16, 16, 16)),
        ("max pool /2", (16, 16, 16)),
        ("avg pool to 7x7", (16, 7, 7)),
        ("blur pool /2", (16, 16, 16)),
        ("upsample 2 bilinear", (16, 64, 64)),
        ("pad 2", (16, 36, 36)),
        ("part 1 of 4", (4, 32, 32)),
        ("part to 5", (5, 32, 32)),
        ("part from 5", (11, 32, 32)),
        ("part from 2 to 12", (10, 32, 32)),
        ("global avg pool", (16,)),
        ("flatten", (16 * 32 * 32,)),
        ("bn", (16, 32, 32)),
        ("ln", (16, 32, 32)),
        ("gn 4", (16, 32, 32)),
        ("leaky relu 0.2", (16, 32, 32)),
        ("dropout 0.5", (16, 32, 32)),
        ("scale 1e-6", (16, 32, 32)),
        ("softmax", (16, 32, 32)),
        ("3x3 conv max(8 w/4)", (8, 32, 32)),
        ("3x3 conv max(8, w/4)", (8, 32, 32)),
        ("3x3 conv 2*(4 + 4)", (16, 32, 32)),
        ("3x3 conv w", (24, 32, 32)),
        ("act", (16, 32, 32)),
        ("3x3 conv 8 act", (8, 32, 32)),
    ],
)
def test_labels_and_what_comes_out(
    label: str, shape: tuple[int, ...]
) -> None:
    lets = {"w": "24", "act": "gelu"}
    used = {
        name: value
        for name, value in lets.items()
        if re.search(rf"\b{name}\b", label)
    }
    top = (
        "let: {" + ", ".join(f"{k}: {v}" for k, v in used.items()) + "}"
        if used
        else ""
    )
    assert plan(f"one: {label}", top=top).output == shape


LONG = [
    (
        "3x3 conv 64 /2 groups 16",
        "{op: conv, kernel: 3x3, width: 64, stride: 2, groups: 16}",
    ),
    (
        "1x7 conv 8 linear",
        "{op: conv, kernel: 1x7, width: 8, mode: linear}",
    ),
    (
        "3x3 conv 8 bare bias 0",
        "{op: conv, kernel: 3x3, width: 8, mode: bare, bias: 0}",
    ),
    (
        "3x3 conv 8 leaky relu",
        "{op: conv, kernel: 3x3, width: 8, mode: leaky relu}",
    ),
    (
        "2 x 3x3 conv 8 /2",
        "{op: conv, repeat: 2, kernel: 3x3, width: 8, stride: 2}",
    ),
    ("3x3 depthwise conv", "{op: depthwise conv, kernel: 3x3}"),
    (
        "3x3 max pool /2 pad 1",
        "{op: max pool, kernel: 3x3, stride: 2, pad: 1}",
    ),
    (
        "2x2 max pool /2 ceil",
        "{op: max pool, kernel: 2x2, stride: 2, ceil: true}",
    ),
    ("avg pool to 7x7", "{op: avg pool, to: 7x7}"),
    ("upsample 2 bilinear", "{op: upsample, factor: 2, bilinear: true}"),
    ("gn 4", "{op: gn, groups: 4}"),
    ("dropout 0.5", "{op: dropout, rate: 0.5}"),
    ("part 1 of 4", "{op: part, which: 1, of: 4}"),
    ("part to 5", "{op: part, to: 5}"),
    ("part from 2 to 12", "{op: part, from: 2, to: 12}"),
    ("basic 32 /2", "{block: basic, out: 32, stride: 2}"),
    (
        "3 x bottleneck 64 /2 groups 4",
        "{block: bottleneck, repeat: 3, out: 64, stride: 2, groups: 4}",
    ),
    (
        "2 x basic 32 shortcut zero-pad",
        "{block: basic, repeat: 2, out: 32, shortcut: zero-pad}",
    ),
    (
        "basic 32 shortcut projection always",
        "{block: basic, out: 32, shortcut: projection always}",
    ),
    (
        "basic 32 shortcut zero-pad centered",
        "{block: basic, out: 32, shortcut: zero-pad centered}",
    ),
    ("basic w/2 /s", "{block: basic, out: w/2, stride: s}"),
]


@pytest.mark.parametrize(
    ("short", "long"), LONG, ids=[short for short, _ in LONG]
)
def test_two_forms_one_meaning(short: str, long: str) -> None:
    top = "let: {w: 64, s: 2}" if "w/2" in short else ""
    a, b = plan(f"one: {short}", top=top), plan(f"one: {long}", top=top)
    assert list(ops(a).items()) == list(ops(b).items())
    assert shapes(a) == shapes(b)


def test_a_block_may_be_written_where_it_is_called() -> None:
    body = "body: [3x3 conv out /stride, 3x3 conv out linear], merge: relu(body + shortcut)"
    inline = plan(
        f"one: [3x3 conv 8, {{repeat: 2, out: 16, stride: 2, {body}}}]"
    )
    named = plan(
        "one: [3x3 conv 8, 2 x pair 16 /2]",
        top=f"blocks: {{pair: {{{body}}}}}",
    )
    assert ops(inline) == ops(named)


@pytest.mark.parametrize(
    ("net", "mistakes"),
    [
        ("one: 7 x 7 conv 64", [("E014", "7 x 7")]),
        ("one: 7 x 7 x 7 conv 64", [("E014", "7 x 7")]),
        ("one: 7X7 conv 64", [("E011", "7X7")]),
        ("one: 7*7 conv 64", [("E011", "7*7")]),
        ("one: conv7x7 64", [("E011", "conv7x7")]),
        ("one: 2x basic 64", [("E011", "2x")]),
        ("one: 2 * basic 64", [("E011", "2 *")]),
        ("one: 3x3 conv 64 stride=2", [("E012", "stride=2")]),
        ("one: 3x3 conv width=64", [("E012", "width=64")]),
        ("one: 3x3 conv 64/2", [("E015", "64/2")]),
        ("one: 3x3 conv 64 /", [("E010", "/")]),
        ("one: 3x3 conv 64 /2 /2", [("E013", "/2")]),
        ("one: 3x3 conv 64 groups 2 groups 2", [("E013", "groups")]),
        ("one: 3x3 conv 64 kernel 3", [("E013", "kernel")]),
        ("one: 3x3 conv 64 32", [("E013", "32")]),
        ("one: 3x3 conv 64 linear bare", [("E013", "bare")]),
        ("one: 3x3 conv 64 groups", [("E012", "groups")]),
        ("one: 3x3 conv 64 strid 2", [("E012", "strid")]),
        ("one: 3x3 conv strid 2", [("E012", "strid")]),
        ("one: 3x3 conv 64 relu6 linear", [("E013", "linear")]),
        ("one: 3x3 bn", [("E012", "3x3")]),
        ("one: bn /2", [("E012", "/2")]),
        ("one: relu 3", [("E012", "3")]),
        ("one: max pool", [("E021", "max pool")]),
        ("one: 2x", [("E011", "2x")]),
        ("one: 2 x", [("E011", "2")]),
        ("one: 3x3", [("E011", "3x3")]),
        ("one: 0x3 conv 8", [("E035", "0x3")]),
        ("one: 3x3 conv 0", [("E035", "0")]),
        ("one: 3x3 conv -8", [("E035", "-8")]),
        ("one: 3x3 conv 8 /0", [("E035", "0")]),
        ("one: basic 0", [("E035", "0")]),
        ("one: basic 8 /65", [("E035", "65")]),
        ("one: -1 x basic 8", [("E004", "-1")]),
        ("one: 99999x99999 conv 8", [("E035", "99999x99999")]),
        ("one: k conv 8", [("E011", "k")]),
        ("one: 3x3 conv 8 groups 0", [("E035", "0")]),
        ("one: conv(3, 8)", [("E011", "conv(3, 8)")]),
        ("one: nn.Conv2d(3, 8, 3)", [("E011", "nn.Conv2d(3, 8, 3)")]),
        ("one: 3x3 conv 8 shortcut none", [("E012", "shortcut")]),
        ("one: basic 8 linear", [("E012", "linear")]),
        ("one: basic 8 relu", [("E012", "relu")]),
        ("one: basic 8 shortcut zeropad", [("E012", "zeropad")]),
        (
            "one: {op: conv, kernel: 3x3, width: 8, mode: lineer}",
            [("E012", "mode")],
        ),
        ("one: {op: conv, kernel: 3x3, width: [8]}", [("E022", "width")]),
        ("one: {op: [conv]}", [("E022", "[conv]")]),
        (
            "one: {op: conv, block: basic}",
            [("E022", "{op: conv, block: basic}")],
        ),
        ("one: {op: basic, width: 8}", [("E011", "basic")]),
        ("one: {block: conv, out: 8}", [("E011", "conv")]),
        (
            "one: {op: conv, kernel: 3x3, width: 8, ceil: true}",
            [("E012", "ceil")],
        ),
        (
            "one: {op: conv, kernel: 3x3, width: 8, repeat: true}",
            [("E022", "true")],
        ),
    ],
)
def test_mistakes(net: str, mistakes: list[tuple[str, str]]) -> None:
    assert told(spec(net)) == mistakes


def _of_an_op(word: str) -> list[tuple[str, str]]:
    """A label of an op up to each of its options that need a value."""
    op = VOCABULARY[word]
    kernel = "3x3 " * ("kernel" in op.fields())
    number = f" {4 if op.number == 'width' else 2}" * bool(op.number)
    label = f"{kernel}{word}{number}"
    return [
        (label, key)
        for key in sorted(fields_of(op))
        if not is_flag(op, key)
    ]


@pytest.mark.parametrize(
    ("label", "key"),
    [row for word in VOCABULARY for row in _of_an_op(word)],
)
def test_a_missing_value_is_answered_by_right_ones(
    label: str, key: str
) -> None:
    missing = [
        problem.help
        for problem in mistakes(spec(f"one: {label} {key}"))
        if problem.message == f"`{key}` needs a value"
    ]
    for answer in missing:
        for option in re.findall("`(.+?)`", answer):
            wrong = mistakes(spec(f"one: {label} {option}"))
            assert not {problem.code for problem in wrong} & {
                "E012",
                "E022",
            }
