"""Equations over tensors: which nodes they make, what joins with what, and what each mistake says."""

from __future__ import annotations

import pytest
from nets import mistakes, ops, plan, spec, told

PATHS = (
    "blocks:\n  b:\n    a: 3x3 conv 16 bare\n    c: 1x1 conv 16 bare\n    v: [global avg pool, fc 16]\n"
    "    m: 1x1 conv 1 bare\n    w: 1x1 conv 8 bare\n    h: 3x3 conv 16 /2 bare\n    merge: [{equation}]\n"
)


def made_by(equation: str, top: str = "") -> list[str]:
    """The ops of an equation in a block whose input is 16x32x32, unread paths aside."""
    used = [line for line in PATHS.splitlines() if _read(line, equation)]
    text = "\n".join(used).format(equation=equation)
    made = plan("one: b", top=f"{top}\n{text}\n")
    return [label for name, label in ops(made).items() if ".merge." in name]


def _read(line: str, equation: str) -> bool:
    import re

    key = line.strip().split(":")[0]
    return (
        len(key) != 1
        or key == "b"
        or re.search(rf"\b{key}\b", equation) is not None
    )


@pytest.mark.parametrize(
    ("equation", "made"),
    [
        ("a + x", ["+"]),
        ("a + c + x", ["+", "+"]),
        ("a - x", ["-"]),
        ("a * x", ["*"]),
        ("relu(a + x)", ["+", "relu"]),
        ("sigmoid(a)*x + a", ["sigmoid", "*", "+"]),
        ("a*c + x*(1 - c)", ["*", "1 -", "*", "+"]),
        ("1 - a", ["1 -"]),
        ("a - 1", ["- 1"]),
        ("2*a", ["2 *"]),
        ("a/2", ["/ 2"]),
        ("-a", ["-1 *"]),
        ("a + 0.1*c", ["0.1 *", "+"]),
        ("(1 + 1)*a", ["2 *"]),
        ("max(1 2)*a", ["2 *"]),
        ("a/(3 - 1)", ["/ 2"]),
        ("x * v", ["*"]),  # channel by channel
        ("v * x", ["*"]),
        ("x * m", ["*"]),  # one channel meets any map of its size
        ("v + m", ["+"]),  # a vector and a one-channel map
        ("concat(a w)", ["concat"]),
        ("concat(concat(a w) x)", ["concat", "concat"]),
        ("gelu(concat(a c)) ", ["concat", "gelu"]),
        ("tanh(a)*sigmoid(c)", ["tanh", "sigmoid", "*"]),
    ],
)
def test_nodes(equation: str, made: list[str]) -> None:
    assert [
        label.replace(".0 ", " ") for label in made_by(equation)
    ] == made


@pytest.mark.parametrize(
    ("equation", "width"),
    [
        ("concat(a w)", 24),
        ("concat(a w x)", 40),
        ("x * m", 16),
        ("v + m", 16),
        ("v * v", 16),
    ],
)
def test_shapes(equation: str, width: int) -> None:
    used = [line for line in PATHS.splitlines() if _read(line, equation)]
    assert (
        plan(
            "one: b", top="\n".join(used).format(equation=equation) + "\n"
        ).output[0]
        == width
    )


def test_numbers_are_those_of_the_place() -> None:
    assert made_by("k*a + x", "let: {k: 1/4}") == ["0.25 *", "+"]
    assert made_by("a*in/16 + x") == ["* 16", "/ 16", "+"]
    assert made_by("reps.1*a + x", "let: {reps: [1, 3]}") == ["3 *", "+"]


def test_rows_read_earlier_rows_and_the_input() -> None:
    made = plan(
        "one: 3x3 conv 16\ntwo: 3x3 conv 16\nthree: [one + input, bn]\nfour: relu(three + two)"
    )
    assert made.graph.nodes["three.0.add"].inputs == ("one.relu", "input")
    assert made.graph.nodes["four.add"].inputs == ("three.1", "two.relu")


def test_a_name_by_itself_makes_no_node() -> None:
    made = plan(
        "one: 3x3 conv 16 bare\ntwo: [one, relu]\nthree: [one, bn]\nfour: two + three"
    )
    assert made.graph.nodes["two.1"].inputs == ("one.conv",)
    assert made.graph.nodes["three.1"].inputs == ("one.conv",)
    assert list(ops(plan("one: relu\ntwo: one"))) == ["one"]


def test_a_u_net() -> None:
    net = (
        "enc1: 3x3 conv 8\nenc2: [max pool /2, 3x3 conv 16]\nup1: 2x2 up conv 8 /2\n"
        "dec1: [concat(up1 enc1), 3x3 conv 8]\nout1: 1x1 conv 1 bare"
    )
    made = plan(net)
    assert made.graph.nodes["dec1.0.concat"].shape == (16, 32, 32)
    assert made.output == (1, 32, 32)


@pytest.mark.parametrize(
    ("equation", "code", "at"),
    [
        ("a + w", "E040", "a + w"),
        ("x + relu(a + w)", "E040", "a + w"),
        ("a + h", "E040", "a + h"),
        ("concat(a h)", "E040", "a h"),
        ("concat(a v)", "E040", "a v"),
        ("a + v*(w + 1)", "E040", "v*(w + 1)"),
        ("concat(a)", "E010", "concat(a)"),
        ("concat()", "E010", "concat()"),
        ("relu(a c)", "E010", "relu(a c)"),
        ("relu(2)*a", "E010", "relu(2)"),
        ("softmax(a)", "E030", "softmax"),
        ("rleu(a)", "E030", "rleu(a)"),
        ("a + y", "E030", "y"),
        ("a + a.0", "E031", "a.0"),
        ("1 / a", "E040", "1"),
        ("a / 0", "E032", "0"),
        ("a / (1 - 1)", "E032", "(1 - 1)"),
        ("1 + 2", "E030", "1 + 2"),
        ("a + relu", "E030", "relu"),
        ("a + index/(total - 1)", "E032", "(total - 1)"),
        ("a ** 2", "E010", "*"),
        ("a + ", "E010", "+"),
        ("a.T", "E030", "a.T"),
    ],
)
def test_mistakes(equation: str, code: str, at: str) -> None:
    used = [line for line in PATHS.splitlines() if _read(line, equation)]
    found = told(
        spec("one: b", top="\n".join(used).format(equation=equation) + "\n")
    )
    assert found == [(code, at)]


@pytest.mark.parametrize(
    ("net", "code", "at"),
    [
        ("one: two\ntwo: relu", "E030", "two"),
        ("one: one", "E030", "one"),
        ("one: one + input", "E030", "one"),
        ("one: x", "E030", "x"),
        ("one: shortcut + input", "E030", "shortcut"),
        ("one: [relu, input + input]", "E016", "input + input"),
        ("one: relu\ntwo: [relu, one]", "E016", "one"),
    ],
)
def test_mistakes_in_rows(net: str, code: str, at: str) -> None:
    assert told(spec(net)) == [(code, at)]


def test_a_mismatch_names_paths_and_shapes() -> None:
    top = "blocks:\n  pair:\n    body: [3x3 conv out /stride, 3x3 conv out linear]\n    merge: relu(body + x)\n"
    (problem,) = mistakes(spec("one: 4 x pair 32 /2", top=top))
    assert (
        problem.message
        == "`body` is 32x16x16 and `x` is 16x32x32, which cannot be joined"
    )
    assert "`shortcut`" in problem.help
    assert [str(related.span) for related in problem.related] == [
        "<text>:9:8"
    ]


def test_a_gate_that_is_a_map_of_one_cell_is_told_of_flatten() -> None:
    top = "blocks:\n  gate:\n    s: [avg pool to 1x1, 1x1 conv out sigmoid]\n    merge: x * s\n"
    (problem,) = mistakes(spec("one: gate 16", top=top))
    assert (
        problem.message
        == "`x` is 16x32x32 and `s` is 16x1x1, which cannot be joined"
    )
    assert problem.help == (
        "end the path of one cell with `flatten`: a vector meets a map channel by channel"
    )
    assert not mistakes(
        spec(
            "one: gate 16", top=top.replace("sigmoid]", "sigmoid, flatten]")
        )
    )


@pytest.mark.parametrize(
    "merge", ["body + shortcut", "relu(shortcut + body)"]
)
@pytest.mark.parametrize("shortcut", ["projection", "1x1 conv out /stride"])
def test_a_block_that_strides_its_shortcut_alone_is_told_where_to_stride(
    merge: str, shortcut: str
) -> None:
    body = "[3x3 conv out, 3x3 conv out]"
    top = f"blocks:\n  pair:\n    body: {body}\n    shortcut: {shortcut}\n    merge: {merge}\n"
    (problem,) = mistakes(spec("one: pair 32 /2", top=top))
    assert problem.help == (
        "the call strides its shortcut alone: write `/stride` at a layer of `body`"
    )


@pytest.mark.parametrize(
    "shortcut", ["none", "[avg pool /2, 1x1 conv out]", "1x1 conv out /2"]
)
def test_a_stride_that_no_path_and_no_shortcut_reads_is_a_mistake(
    shortcut: str,
) -> None:
    body = "[3x3 conv out, 3x3 conv out /2]"
    top = f"blocks:\n  pair:\n    body: {body}\n    shortcut: {shortcut}\n    merge: body + shortcut\n"
    assert told(spec("one: pair 32 /2", top=top)) == [("E036", "/2")]
    assert not told(spec("one: pair 32", top=top))
    top = top.replace("out /2]", "out /stride]")
    found = told(spec("one: pair 32 /2", top=top))
    assert found == []
