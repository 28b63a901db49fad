"""How many axes a map has is the input's to say: kernels and strides that fit it, and those that do not."""

from __future__ import annotations

import pytest
from nets import mistakes, spec

import resgraph
from resgraph.errors import Source, SpecError
from resgraph.language.format import reformat

NET = "name: a\ninput: {input}\nnet:\n  one: {label}\n"


@pytest.mark.parametrize(
    ("shape", "label", "out"),
    [
        ("12x4096", "17 conv 64 /4", (64, 1024)),
        ("12x4096", "conv 64 kernel 17", (64, 4096)),
        ("12x4096", "2 x 3 conv 8 /2", (8, 2048)),
        ("12x4096", "3 max pool /2", (12, 2048)),
        ("3x16x112x112", "3x7x7 conv 64 /1x2x2", (64, 16, 56, 56)),
        ("3x16x112x112", "3x3x3 conv 64 /2", (64, 8, 56, 56)),
        ("3x16x112x112", "conv 64 kernel 3", (64, 16, 112, 112)),
        ("3x16x112x112", "avg pool to 1x7x7", (3, 1, 7, 7)),
    ],
)
def test_sizes_that_fit(
    shape: str, label: str, out: tuple[int, ...]
) -> None:
    plan = resgraph.loads(NET.format(input=shape, label=label))
    assert plan.graph.nodes[plan.graph.output].shape == out


@pytest.mark.parametrize(
    ("shape", "label", "code"),
    [
        ("3x32x32", "3 conv 64", "E046"),
        ("3x32x32", "3x3x3 conv 64", "E046"),
        ("3x32x32", "3x3 conv 64 /1x2x2", "E046"),
        ("3x32x32", "avg pool to 7x7x7", "E046"),
        ("12x4096", "3x3 conv 64", "E046"),
        ("3x16x32x32", "3x3 conv 64", "E046"),
        ("3x32x32", "7 x 7 conv 64", "E014"),
    ],
)
def test_sizes_that_do_not(shape: str, label: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        resgraph.loads(NET.format(input=shape, label=label))
    assert [problem.code for problem in caught.value.diagnostics] == [code]


def test_both_readings_and_no_edit() -> None:
    with pytest.raises(SpecError) as caught:
        resgraph.loads(NET.format(input="3x32x32", label="3 conv 64"))
    (problem,) = caught.value.diagnostics
    assert "`3 x conv`" in problem.help
    assert "`3x3 conv`" in problem.help
    assert not problem.edits


def test_the_long_form_of_a_kernel_along_one_axis_is_a_list() -> None:
    text = NET.format(input="12x4096", label="17 conv 64 /4")
    long = reformat(Source("a", text), "long")
    assert "{op: conv, kernel: [17], width: 64, stride: 4}" in long
    assert resgraph.loads(long).params == resgraph.loads(text).params
    assert reformat(Source("a", long), "short") == text


@pytest.mark.parametrize(
    ("label", "wrong"), [("17 Conv 4", "Conv"), ("3 cnv 4", "cnv")]
)
def test_a_word_behind_a_number_is_what_is_wrong(
    label: str, wrong: str
) -> None:
    text = spec(f"a: {label}", input="3x64")
    (found,) = mistakes(text)
    assert (found.code, found.span and found.span.written()) == (
        "E011",
        wrong,
    )
    (edit,) = found.edits
    assert edit.text == "conv"


@pytest.mark.parametrize(
    "label", ["conv 8 kernel k", "3x3 conv 8 /k", "3x3 conv 8 dilation k"]
)
def test_an_empty_list_is_no_size(label: str) -> None:
    (problem,) = mistakes(spec(f"one: {label}", top="let: {k: []}\n"))
    assert (problem.code, problem.help) == (
        "E046",
        "write a number, or one for each axis",
    )
