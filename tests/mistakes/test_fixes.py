"""What is written and what its fix makes of it; what takes a person, and what is said of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from resgraph.cli import run
from resgraph.errors import Diagnostic
from resgraph.mending import examine, mended

SPEC = """name: tiny
input: 3x16x16
blocks:
  pair: {{body: [3x3 conv out /stride, 3x3 conv out linear], merge: relu(body + shortcut)}}
net:
  conv1: 3x3 conv 8
  conv2: pair 8
  {}
  head: [global avg pool, fc 3]
"""

FIXED = {
    "b = 3x3 conv 16 /2": "b: 3x3 conv 16 /2",
    "b:3x3 conv 16 /2": "b: 3x3 conv 16 /2",
    "b: 4 * pair 16 /2": "b: 4 x pair 16 /2",
    "b: pair x 3": "b: 3 x pair",
    "b: [pair x 3, relu]": "b: [3 x pair, relu]",
    "b: {block: conv, kernel: 3, width: 16}": "b: {op: conv, kernel: 3, width: 16}",
    "b: {op: pair, out: 16}": "b: {block: pair, out: 16}",
    "b: [conv3x3 16, relu]": "b: [3x3 conv 16, relu]",
    "b: 3x3-conv 16": "b: 3x3 conv 16",
    "b: conv-3x3 16": "b: 3x3 conv 16",
    "b: (3,3) conv 16": "b: 3x3 conv 16",
    "b: 3x3 conv 16 nobias": "b: 3x3 conv 16 bias none",
    "b: 3x3 conv 16 bias=False": "b: 3x3 conv 16 bias none",
    "b: 3x3 conv 16 linear/2": "b: 3x3 conv 16 linear /2",
    "b: 3x3 conv 16 / 2": "b: 3x3 conv 16 /2",
    "b: pair\u00a016": "b: pair 16",
    "b: 3x3\u2009conv 16": "b: 3x3 conv 16",
    "b: 3x3 conv\u300016": "b: 3x3 conv 16",
    "b\u202f: pair 16": "b : pair 16",
    "b: pair\u200b16": "b: pair 16",
    "b: pa\u200dir 16": "b: pair 16",
    "b: [maxpool /2, 3x3 conv 8]": "b: [max pool /2, 3x3 conv 8]",
    "b: [avgpool /2]": "b: [avg pool /2]",
    "b: [maxpool/2]": "b: [max pool /2]",
    "b: [batch-norm, relu]": "b: [bn, relu]",
    "b: 2 × pair 16": "b: 2 x pair 16",
    "b: 2 \u0445 pair 16": "b: 2 x pair 16",
    "b: 2 X 3x3 conv 16": "b: 2 x 3x3 conv 16",
    "b: pair 16 \u22152": "b: pair 16 /2",
    "b: pair 16 \uff0f2": "b: pair 16 /2",
    "b: pair 16 \u20442": "b: pair 16 /2",
    "b: pair \uff11\uff16": "b: pair 16",
    "b: \uff13x\uff13 conv 16": "b: 3x3 conv 16",
    "b: \uff50\uff41\uff49\uff52 16": "b: pair 16",
    "b: pair 32\u221216": "b: pair 32-16",
    "b: conv1 \u2212 conv2": "b: conv1 - conv2",
}

LEFT = {
    "b: [global pool, fc 3]": "did you mean `global avg pool` or `global max pool`?",
    "b: se 16": "write `se`, or `se reduction 16`",
    "b: pair 16 shortcut [1x1 conv out]": "`{block: pair, shortcut: […]}`",
    "b: pair 16 /2 [avg pool, 1x1 conv out]": "`{block: pair, shortcut: […]}`",
    "b: pair 16 /2 shortcut=[avg pool, 1x1 conv out]": "`{block: pair, shortcut: […]}`",
    "b: 3x3 conv 16 [bn, relu]": "layers one after another are items of one list",
    "relu: pair 16": "such as `relu1`",
    "class: pair 16": "such as `class1`",
    "b: avgpool": "did you mean `global avg pool`?",
    "b: conv1 ⊕ conv2": "`⊕` is U+2295 CIRCLED PLUS, which has no meaning here\n",
    "b: conv1 × conv2": "did you mean `*`?",
    "b: pair 4²": "a power is a product: `e*e`",
    "b: 3x3 conv 16 → 8": "`→` is U+2192 RIGHTWARDS ARROW, which has no meaning here",
    "b: [conv1 conv2, relu]": "write `conv1 + conv2`",
    "b: conv1*": "a value is missing after `*`",
    "b: conv1 ++ conv2": "a value is missing before this `+`",
    "b: pair 32//2": "write `32/2`",
    "b: 3x3 conv 64/2": "did you mean `64 /2`? a stride stands apart",
}


def only(found: list[Diagnostic]) -> Diagnostic:
    (problem,) = (d for d in found if d.code != "E044")
    return problem


@pytest.mark.parametrize(("wrong", "right"), FIXED.items())
def test_a_fix_makes_what_was_meant(wrong: str, right: str) -> None:
    problem = only(examine(SPEC.format(wrong)))
    assert mended(
        problem.edits[0].span.source, problem.edits
    ) == SPEC.format(right)
    assert examine(SPEC.format(right)) == []


TABS = {
    "net:\n\ta: relu\n\tb: [relu,\n\t\trelu]\n\tc: relu\n\td: relu\n\te: relu\n\tf: relu\n": (
        "net:\n  a: relu\n  b: [relu,\n    relu]\n  c: relu\n  d: relu\n  e: relu\n  f: relu\n"
    ),
    "net:\n  a: relu\n\t\n  b: relu\n": "net:\n  a: relu\n  \n  b: relu\n",
    "net:\n  a: relu\n\tb: relu\n": "net:\n  a: relu\n  b: relu\n",
    "net:\n    a: relu\n\tb: relu\n": "net:\n    a: relu\n    b: relu\n",
    "blocks:\n  b:\n    body: [relu]\n  \tmerge: body\nnet: {a: b}\n": (
        "blocks:\n  b:\n    body: [relu]\n    merge: body\nnet: {a: b}\n"
    ),
    "net:\n  a:\n  -\trelu\n  -\trelu\n": "net:\n  a:\n  - relu\n  - relu\n",
}
HOW_WIDE = [
    "blocks:\n  b:\n    body: [relu]\n\tmerge: body\nnet: {a: b}\n",
    "about: |\n  x\n  \ty\nnet:\n\ta: relu\n",
]
"""A block or a part of one, and a text of other spaces, by the width of a tab."""


@pytest.mark.parametrize(("wrong", "right"), TABS.items())
def test_tabs_become_spaces(wrong: str, right: str, tmp_path: Path) -> None:
    head = "name: a\ninput: 3x8x8\n"
    path = tmp_path / "a.yaml"
    path.write_text(head + wrong)
    assert run(["check", "--fix", str(path)]) == 0
    assert path.read_text() == head + right


@pytest.mark.parametrize("text", HOW_WIDE)
def test_tabs_of_two_meanings_stay(text: str) -> None:
    (problem,) = examine(f"name: a\ninput: 3x8x8\n{text}")
    assert "a line is indented with a tab" in problem.message
    assert problem.edits == ()


@pytest.mark.parametrize(("wrong", "said"), LEFT.items())
def test_what_takes_a_person_is_answered_and_left(
    wrong: str, said: str
) -> None:
    problem = only(examine(SPEC.format(wrong)))
    assert problem.edits == ()
    assert said in problem.frame()


@pytest.mark.parametrize(
    "row",
    [
        "b: [blurpool /2]",
        "b: [lstm /2]",
        "b: nosuchrow + conv1",
        "b: [batch-norm]",
    ],
)
def test_what_follows_from_an_unknown_word_is_not_told(row: str) -> None:
    assert "E034" not in {d.code for d in examine(SPEC.format(row))}


def test_no_more_is_read_as_an_equation_than_one() -> None:
    for word in (
        "blurpool /2",
        "maxpool /2",
        "avgpool /2",
        "batch-norm",
        "avg-pool /2",
        "maxpool/2",
    ):
        assert only(examine(SPEC.format(f"b: [{word}]"))).code == "E011", (
            word
        )
    assert examine(SPEC.format("b: [conv1 + conv2 /2]")) == []


def test_a_stride_that_touches_a_name_is_asked_about() -> None:
    text = SPEC.format("b: pair w/2").replace(
        "blocks:", "let: {w: 16}\nblocks:"
    )
    problem = only(examine(text))
    assert (problem.code, problem.edits) == ("E015", ())
    assert "`w /2`" in problem.frame()
    assert "`(w/2)`" in problem.frame()
    assert examine(text.replace("w/2", "(w/2)")) == []
    assert examine(text.replace("w/2", "w /2")) == []


def test_numbers_without_a_zero_in_front() -> None:
    assert examine(SPEC.format("b: [dropout .5, drop path .25]")) == []
    assert examine(SPEC.format("b: pair 16*.5")) == []
    text = SPEC.format("b: pair w.1").replace(
        "blocks:", "let: {w: [8, 16]}\nblocks:"
    )
    assert examine(text) == []


def test_numbers_in_quotes_are_numbers() -> None:
    (problem,) = examine(
        SPEC.format("b: pair 16") + "expect: {params: '1_000'}\n"
    )
    assert (problem.code, problem.span and problem.span.written()) == (
        "E050",
        "1_000",
    )
    text = "name: a\ninput: 1x8x8\nnet: {a: [3x3 conv 8, global avg pool, fc 10]}\n"
    assert (
        examine(
            f"{text}train: {{recipe: digits, epochs: '20', optimizer: {{lr: '0.1', momentum: '0.8'}}}}\n"
        )
        == []
    )


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("relu(add(body, shortcut))", "relu(body + shortcut)"),
        ("2*add(body, shortcut)", "2*(body + shortcut)"),
        (
            "relu(mul(body + shortcut, 0.5))",
            "relu((body + shortcut) * 0.5)",
        ),
        ("cat(body, shortcut)", "concat(body, shortcut)"),
    ],
)
def test_functions_of_others_become_signs_of_the_same_net(
    wrong: str, right: str
) -> None:
    block = "  pair:\n    body: [3x3 conv out /stride, 3x3 conv out linear]\n    merge: "
    text = f"name: tiny\ninput: 3x16x16\nblocks:\n{block}{{}}\nnet:\n  conv1: pair 8\n"
    (problem,) = examine(text.format(wrong))
    assert mended(
        problem.edits[0].span.source, problem.edits
    ) == text.format(right)


def test_axes_in_a_list_are_certain_where_channels_come_first() -> None:
    def edits(axes: str) -> list[str]:
        (problem,) = examine(
            SPEC.format("b: pair 16").replace("3x16x16", axes)
        )
        return [edit.text for edit in problem.edits]

    assert edits("[3, 16, 16]") == ["3x16x16"]
    assert edits("[16, 16, 3]") == edits("[1, 3, 16, 16]") == []


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("conv_relu", "conv relu"),
        ("conv + relu", "conv relu"),
        ("conv->bn->relu", "conv bn relu"),
        ("ConvBNReLU", "conv bn relu"),
        ("conv2d-batchnorm2d-swish", "conv bn silu"),
    ],
)
def test_a_unit_with_other_signs_between_its_ops(
    written: str, unit: str
) -> None:
    text = SPEC.format("b: pair 16").replace("blocks:", "unit: {}\nblocks:")
    problem = only(examine(text.replace("{}", written)))
    assert mended(
        problem.edits[0].span.source, problem.edits
    ) == text.replace("{}", unit)


@pytest.mark.parametrize(
    "written",
    [
        "conv_prelu_relu_foo",
        "bn_relu",
        "relu(bn(conv))",
        "convconv",
        "relu" * 500,
    ],
)
def test_a_unit_that_may_be_read_in_two_ways_is_left(written: str) -> None:
    problem = only(
        examine(
            SPEC.format("b: pair 16").replace(
                "blocks:", f"unit: {written}\nblocks:"
            )
        )
    )
    assert problem.edits == ()


@pytest.mark.parametrize(
    ("merge", "plain", "sure"),
    [
        ("F.relu(body + shortcut)", "relu(body + shortcut)", True),
        (
            "torch.nn.functional.relu(body + shortcut)",
            "relu(body + shortcut)",
            True,
        ),
        ("nn.ReLU()(body + shortcut)", "relu(body + shortcut)", False),
        (
            "torch.cat((body, shortcut), dim=1)",
            "concat(body shortcut)",
            False,
        ),
        ("torch.cat([body, shortcut])", "concat(body shortcut)", False),
        ("concat((body, shortcut))", "concat(body shortcut)", False),
        ("relu(torch.add(body, shortcut))", "relu(body + shortcut)", False),
    ],
)
def test_calls_of_python_in_an_equation(
    merge: str, plain: str, sure: bool
) -> None:
    block = "  pair:\n    body: [3x3 conv out /stride, 3x3 conv out linear]\n    merge: "
    text = f"name: tiny\ninput: 3x16x16\nblocks:\n{block}{{}}\nnet:\n  conv1: pair 8\n"
    problem = only(examine(text.format(merge)))
    assert (problem.code, problem.help, bool(problem.edits)) == (
        "E010",
        f"write `{plain}`",
        sure,
    )
    assert examine(text.format(plain)) == []


def test_a_row_named_like_a_sign_is_a_row() -> None:
    assert (
        examine(
            SPEC.format("sum: pair 16").replace(
                "[global avg", "[sum, global avg"
            )
        )
        == []
    )


def test_a_data_set_in_capitals() -> None:
    net = "net: {a: [3x3 conv 8, global avg pool, fc 10]}\n"
    for data in ("CIFAR10", "{set: CIFAR10}"):
        text = f"name: a\ninput: 3x32x32\n{net}train: {{recipe: digits, data: {data}}}\n"
        (problem,) = examine(text)
        assert mended(
            problem.edits[0].span.source, problem.edits
        ) == text.replace("CIFAR10", "cifar10")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ResNet-50", "resnet-50"),
        ("Resnet", "resnet"),
        ("resnet::ResNet-50", "resnet::resnet-50"),
    ],
)
def test_a_net_of_the_zoo_in_capitals(wrong: str, right: str) -> None:
    problem = only(examine(f"extends: {wrong}\n"))
    assert (
        problem.help,
        mended(problem.edits[0].span.source, problem.edits),
    ) == (
        f"did you mean `{right.rpartition('::')[2]}`?",
        f"extends: {right}\n",
    )


def test_odd_spaces_in_titles_and_comments_are_let_be() -> None:
    assert (
        examine(
            SPEC.format("b: pair 16  # a\u00a0b").replace(
                "tiny", "a\u00a0b"
            )
        )
        == []
    )


def test_two_mistakes_of_one_row_are_mended_together() -> None:
    problem = only(examine(SPEC.format("b: 3x3 covn 16 linear/2")))
    assert mended(
        problem.edits[0].span.source, problem.edits
    ) == SPEC.format("b: 3x3 conv 16 linear /2")


def test_another_sign_for_the_x_of_a_repeat_that_a_name_counts() -> None:
    text = SPEC.format("b: n × pair").replace(
        "blocks:", "let: {n: 2}\nblocks:"
    )
    problem = only(examine(text))
    assert mended(
        problem.edits[0].span.source, problem.edits
    ) == text.replace("×", "x")


def test_a_tensor_beside_another_has_no_sign() -> None:
    text = SPEC.format("b: pair 16").replace(
        "relu(body + shortcut)", "body x"
    )
    problem = only(examine(text))
    assert (problem.code, problem.help, problem.edits) == (
        "E010",
        "write `body + x`",
        (),
    )


def _input(axes: str) -> tuple[str, str]:
    (problem,) = examine(SPEC.format("b: pair 16").replace("3x16x16", axes))
    return problem.help, "".join(edit.text for edit in problem.edits)


@pytest.mark.parametrize(
    "axes",
    [
        "3X16X16",
        "3 × 16 × 16",
        "3\u044516\u044516",
        "(3, 16, 16)",
        "3,16,16",
    ],
)
def test_an_input_shape_of_another_program(axes: str) -> None:
    assert _input(axes) == ("write `3x16x16`", "3x16x16")


def test_an_input_with_its_channels_last_is_a_question() -> None:
    assert _input("(16, 16, 3)")[1] == ""


def test_json_has_the_ranges(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stdin:
        buffer = io.BytesIO(SPEC.format("b: 3x3 Conv 16").encode())

    monkeypatch.setattr("sys.stdin", Stdin())
    assert run(["check", "--json", "-"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["diagnostics"]
    (edit,) = problem["edits"]
    assert (edit["text"], edit["place"]) == ("conv", problem["place"])
