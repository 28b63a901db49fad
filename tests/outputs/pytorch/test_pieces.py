"""The parts of the writer by themselves: layout, safe text, names, runs of calls, arguments."""

from __future__ import annotations

import ast
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import resgraph
from resgraph.errors import UsageError
from resgraph.ops.base import Call, Ref
from resgraph.outputs.pytorch import layers, source
from resgraph.outputs.pytorch.repeat import compress
from resgraph.outputs.pytorch.signatures import Signatures
from resgraph.outputs.pytorch.support import support_classes
from resgraph.outputs.pytorch.text import (
    WIDTH,
    FreeNames,
    camel,
    docstring,
    flat,
    layout,
)
from resgraph.outputs.pytorch.tree import literal, piece


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("resnet-50", "ResNet50"),
        ("resnext-50-32x4d", "ResNeXt50_32x4d"),
        ("se-bottleneck", "SEBottleneck"),
        ("wide_resnet", "WideResNet"),
        ("50 layers", "Net50Layers"),
        ("", "Net"),
        ("Δ x", "X"),
    ],
)
def test_class_names(text: str, name: str) -> None:
    assert camel(text) == name


def test_a_taken_name_gets_a_number() -> None:
    names = FreeNames(frozenset(["F"]))
    assert [
        names.new("Pair"),
        names.new("Pair"),
        names.new("Pair"),
        names.new("F"),
    ] == ["Pair", "Pair2", "Pair3", "F2"]


@given(st.lists(st.text(), min_size=1, max_size=3), st.sampled_from([4, 8]))
def test_a_docstring_is_one_string_whatever_it_says(
    paragraphs: list[str], indent: int
) -> None:
    lines = docstring(paragraphs, indent)
    body = ast.parse(
        "\n".join(["class A:", *(line[indent - 4 :] for line in lines)])
    ).body[0]
    assert isinstance(body, ast.ClassDef)
    (only,) = body.body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)
    assert isinstance(only.value.value, str)


def test_a_long_sum_is_broken_before_its_operators() -> None:
    terms = [Call(f"self.a_long_path_{n}", (Ref("x"),)) for n in range(5)]
    total = reduce(lambda sum_, term: Call("+", (sum_, term)), terms)
    lines = layout(piece(total), 8, "return ")
    assert lines[0] == "        return ("
    assert lines[2] == "            + self.a_long_path_1(x)"
    assert (
        ast.unparse(
            ast.parse("def f():\n" + "\n".join(lines)).body[0]
        ).count("+")
        == 4
    )


@pytest.mark.parametrize(
    "value",
    [1, 0.5, 1e-06, True, None, "reflect", 'a"b', (3, 1), (3,), (0.1, 0.2)],
)
def test_literals_are_python(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


def block(width: int, **options: Any) -> Call:
    return Call("Block", (width,), tuple(options.items()))


@pytest.mark.parametrize(
    ("calls", "texts"),
    [
        ([block(8)] * 2, ["Block(8)", "Block(8)"]),
        ([block(8)] * 3, ["*(Block(8) for _ in range(3))"]),
        (
            [block(4), *[block(8)] * 3],
            ["Block(4)", "*(Block(8) for _ in range(3))"],
        ),
        (
            [block(w) for w in (8, 12, 16)],
            ["*(Block(width_in) for width_in in range(8, 20, 4))"],
        ),
        (
            [block(8, rate=r) for r in (0.0, 0.1, 0.2)],
            ["*(Block(8, rate=i / 10) for i in range(3))"],
        ),
        (
            [block(8, rate=r) for r in (0.3, 0.1, 0.2)],
            ["*(Block(8, rate=rate) for rate in (0.3, 0.1, 0.2))"],
        ),
        (
            [block(w, rate=r) for w, r in ((8, 0.5), (9, 0.1), (10, 0.2))],
            [
                "*(Block(width_in, rate=rate) for width_in, rate in zip(range(8, 11), (0.5, 0.1, 0.2), strict=True))"
            ],
        ),
        (
            [block(8), Call("Other", (8,)), block(8)],
            ["Block(8)", "Other(8)", "Block(8)"],
        ),
        ([block(8, x=1), block(8, x=True), block(8, x=1.0)], None),
    ],
)
def test_runs(calls: list[Call], texts: list[str] | None) -> None:
    known = Signatures()
    known.add("Block", {"width_in": None})
    found = [flat(piece(child)) for child in compress(calls, known)]
    assert texts is None or found == texts
    made: list[Any] = []
    scope = {
        "Block": lambda *args, **kwargs: (args, kwargs),
        "Other": lambda *args: ("other", args),
    }
    for text in found:
        made += eval(f"[{text}]", scope)
    wanted = [
        ((*c.args,), dict(c.kwargs))
        if c.target == "Block"
        else ("other", c.args)
        for c in calls
    ]
    assert repr(made) == repr(wanted)


@given(
    st.integers(1, 400),
    st.integers(0, 50),
    st.integers(3, 40),
    st.floats(0.01, 0.9),
)
def test_rates_by_depth_come_back_exactly(
    total: int, first: int, count: int, rate: float
) -> None:
    calls = [
        block(8, rate=rate * (first + index) / total)
        for index in range(count)
    ]
    found = "".join(
        flat(piece(child)) + ", " for child in compress(calls, Signatures())
    )
    made = eval(f"[{found}]", {"Block": lambda width, rate: rate})
    assert made == [dict(call.kwargs)["rate"] for call in calls]


def test_a_name_that_is_no_name_never_becomes_source() -> None:
    plan = resgraph.loads(
        "name: net\ninput: 4x8x8\nnet:\n  a: relu\n  b: 3x3 conv 4\n"
    )
    plan.graph.rows[1].word = "b = print(1); self.b"
    with pytest.raises(UsageError, match="cannot be a name"):
        source(plan)


def test_support_classes_are_as_narrow_as_the_source_they_are_copied_into() -> (
    None
):
    texts = [definition.text for definition in support_classes().values()]
    assert texts
    assert [
        line
        for text in texts
        for line in text.split("\n")
        if len(line) > WIDTH
    ] == []


def test_support_classes_are_told_without_dividing_their_file_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = Path(layers.__file__).read_text(encoding="utf-8")
    written = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef)
    }
    monkeypatch.delattr(ast, "get_source_segment")
    found = support_classes.__wrapped__()
    assert {name: found[name].text for name in written} == written


def test_up_convolutions_of_many_kinds_are_one_function_with_torchs_arguments() -> (
    None
):
    plan = resgraph.loads(
        "name: net\ninput: 4x5x7\nunit: conv\nnet:\n  a: 3x3 up conv 8 /2\n  b: 4x4 up conv 8 /2 groups 4\n"
        "  c: 3x3 up conv 8 dilation 2\n  d: 5x5 up conv 4 /2x1 groups 2\n"
    )
    net = plan.module()
    made = [
        layer
        for layer in net.modules()
        if isinstance(layer, nn.ConvTranspose2d)
    ]
    found = [
        (m.stride, m.groups, m.dilation, m.padding, m.output_padding)
        for m in made
    ]
    assert found == [
        ((2, 2), 1, (1, 1), (1, 1), (1, 1)),
        ((2, 2), 4, (1, 1), (1, 1), (0, 0)),
        ((1, 1), 1, (2, 2), (2, 2), (0, 0)),
        ((2, 1), 2, (1, 1), (2, 2), (1, 0)),
    ]
    assert tuple(net(torch.zeros(1, 4, 5, 7)).shape) == (1, 4, 40, 28)
