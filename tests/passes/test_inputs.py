"""Several inputs by name: one namespace with rows, in the order in which the module takes them, in every output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from nets import mistakes, plan, spec, told
from torch import nn

import resgraph
from resgraph.errors import Source
from resgraph.language.format import reformat
from resgraph.lsp.analysis import analyse
from resgraph.lsp.completion import complete
from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.outputs.pytorch.export import export

INPUT = "{image: 3x16x16, age: 5}"
NET = """
conv1: [3x3 conv 8 /2, basic 8, global avg pool]
facts: [age, fc 8 relu]
head:  [concat(conv1 facts), fc 4]
"""


@pytest.fixture(scope="module")
def two() -> resgraph.Plan:
    return plan(NET, input=INPUT)


def test_rows_begin_at_the_first_and_read_the_others(
    two: resgraph.Plan,
) -> None:
    nodes = two.graph.nodes
    assert two.inputs == {"image": (3, 16, 16), "age": (5,)}
    assert two.graph.inputs == ("image", "age")
    assert nodes["conv1.0.conv"].inputs == ("image",)
    assert nodes["facts.1"].inputs == ("age",)
    assert (two.input, two.params) == (
        (3, 16, 16),
        216 + 16 + 2 * (576 + 16) + 48 + 68,
    )


def test_a_first_row_may_begin_with_an_equation() -> None:
    both = plan(
        "both: [concat(left right), 3x3 conv 4]",
        input="{left: 1x8x8, right: 2x8x8}",
    )
    assert both.graph.nodes["both.0.concat"].shape == (3, 8, 8)


def test_the_module_takes_them_in_order_or_by_name(
    two: resgraph.Plan,
) -> None:
    net = two.module().double().eval()
    image = torch.randn(2, 3, 16, 16).double()
    age = torch.randn(2, 5).double()
    pooled = net.conv1[1](net.conv1[0](image)).mean((2, 3))
    facts = nn.functional.linear(age, *net.facts.parameters()).clamp(min=0)
    wanted = nn.functional.linear(
        torch.cat([pooled, facts], 1), *net.head.parameters()
    )
    assert torch.allclose(net(image, age), wanted, atol=1e-12)
    assert torch.equal(net(age=age, image=image), net(image, age))


def test_names_that_python_keeps_are_spelled_otherwise() -> None:
    odd = plan(
        "sum: [F + torch + x1, fc 2]", input="{F: 4, torch: 4, x1: 4}"
    )
    value = torch.randn(2, 4)
    assert "def forward(self, F_, torch_, x1):" in odd.source()
    assert odd.module()(value, value, value).shape == (2, 2)


def test_a_compiled_net_takes_them_too(two: resgraph.Plan) -> None:
    net = two.module().eval()
    inputs = torch.randn(2, 3, 16, 16), torch.randn(2, 5)
    wanted = net(*inputs)
    assert compile_blocks(net, whole=True, backend="eager") == 1
    assert torch.allclose(net(*inputs), wanted, atol=1e-6)


def test_exports_have_their_names(two: resgraph.Plan) -> None:
    program = export(two, "pt2")  # which checks it against the module
    assert program[:2] == b"PK"
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    model = onnx.load_from_string(export(two, "onnx"))
    shapes = {
        value.name: [
            axis.dim_value for axis in value.type.tensor_type.shape.dim
        ][1:]
        for value in model.graph.input
    }
    assert shapes == {"image": [3, 16, 16], "age": [5]}
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["input"] == "image 3x16x16, age 5"


def test_a_row_that_torch_export_cannot_keep_is_told() -> None:
    odd = plan("meta: 3x3 conv 4", input="3x8x8")
    with pytest.raises(
        resgraph.UsageError, match="a row that is called `meta`"
    ):
        export(odd, "pt2")


def test_every_table_and_picture_names_them(two: resgraph.Plan) -> None:
    assert [line.split() for line in two.table().splitlines()[2:4]] == [
        ["image", "3", "×", "16", "×", "16"],
        ["age", "5"],
    ]
    assert "| image |  | 3 × 16 × 16 |\n| age |  | 5 |" in two.to(
        "markdown"
    )
    facts = json.loads(two.to("json"))
    assert facts["inputs"] == {"image": [3, 16, 16], "age": [5]}
    for view in ("stages", "blocks", "ops"):
        drawn = two.svg(view=view)
        assert (
            'id="image"' in drawn
            and 'id="age"' in drawn
            and "age 5" in drawn
        )
    assert two.dot().count('shape=box, style="rounded"') == 2
    assert "age 5" in two.to("mmd")


def test_the_spec_resolves_and_formats(two: resgraph.Plan) -> None:
    text = spec(
        NET,
        input="{image: 3xsidexside, age: side/4}",
        top="let: {side: 16}",
    )
    sized = resgraph.loads(text)
    assert sized.inputs == {"image": (3, 16, 16), "age": (4,)}
    again = resgraph.loads(sized.resolved())
    assert (again.inputs, again.params) == (sized.inputs, sized.params)
    assert "side" not in sized.resolved()
    for form in ("long", "short"):
        written = reformat(Source("a", text), form)
        assert resgraph.loads(written).inputs == sized.inputs


def test_what_extends_changes_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(spec(NET, input=INPUT))
    (tmp_path / "top.yaml").write_text(
        "extends: base.yaml\nname: b\ninput: {age: 7}\n"
    )
    top = resgraph.load(tmp_path / "top.yaml", ["input.image=1x8x8"])
    assert top.inputs == {"image": (1, 8, 8), "age": (7,)}


def test_mistakes() -> None:
    unread = spec("conv1: [3x3 conv 8, global avg pool, fc 2]", input=INPUT)
    assert told(unread) == [("E034", "age")]
    (found,) = mistakes(
        spec(
            "a: [input, fc 3]\nb: [a + one + two, fc 3]",
            input="{one: 3, two: 3}",
        )
    )
    assert (found.code, str(found.help)) == (
        "E030",
        "they are `one`, `two`",
    )
    wrong = "{a: 3, relu: 3, ok: 3}"
    assert told(
        spec("a: [a + relu, fc ok]", input=wrong, top="let: {ok: 2}")
    ) == [
        ("E023", "a"),
        ("E023", "relu"),
        ("E023", "ok"),
    ]


def test_a_set_of_images_cannot_feed_them() -> None:
    top = "train: digits"
    (found,) = mistakes(spec(NET, input=INPUT, top=top))
    assert found.code == "E051"
    assert "`image`, `age`" in found.message


def test_the_language_server_completes_them() -> None:
    text = spec(
        "a: [3x3 conv 4, global avg pool]\nb: [concat(a z), fc 2]",
        input=INPUT,
    )
    line = text.splitlines().index("  b: [concat(a z), fc 2]") + 1
    found = {
        each.text
        for each in complete(analyse(text, Path("a.yaml")), text, line, 16)
    }
    assert {"image", "age", "a"} <= found and "input" not in found
