"""The text of the source: nets compared whole, sharing of classes and functions, layout, text of strangers."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resgraph
from resgraph.outputs.pytorch import source

SPECS = Path(__file__).parents[3] / "specs"
SHOWN = {
    "resnet-50": "resnet.yaml::resnet-50",
    "resnet-1202": "cifar-resnet.yaml::resnet-1202",
    "stochastic-depth-1202": "stochastic-depth.yaml::resnet-1202",
    "densenet-121": "densenet.yaml::densenet-121",
    "convnext-tiny": "convnext.yaml::convnext-tiny",
    "highway-10": "highway.yaml::highway-10",
    "res2net-50": "res2net.yaml::res2net-50",
    "nf-resnet": "nf-resnet.yaml",
    "res-unet": "res-unet.yaml",
    "mobilenet-v2": "mobilenet-v2.yaml",
}


@pytest.mark.parametrize("name", SHOWN)
def test_reads_as_it_did(
    name: str, golden: Callable[[str, str], None]
) -> None:
    golden(f"source/{name}.py", source(resgraph.load(SPECS / SHOWN[name])))


@pytest.mark.parametrize("name", SHOWN)
def test_is_laid_out_as_ruff_would(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(source(resgraph.load(SPECS / SHOWN[name])))
    options = ["--isolated", "--line-length", "100", "--no-cache"]
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", *options, path],
        check=True,
    )
    rules = ["--select", "E,F,I,W,UP,SIM,RET", "--target-version", "py311"]
    subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, *rules, path],
        check=True,
    )


def test_needs_no_torch_to_be_written() -> None:
    code = (
        "import sys, resgraph; from resgraph.outputs.pytorch import source\n"
        f"source(resgraph.load({str(SPECS / 'resnet.yaml')!r} + '::resnet-18'))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def net(rows: str, blocks: str = "", more: str = "") -> str:
    text = f"name: net\ninput: 4x8x8\n{more}\n{'blocks:' if blocks else ''}\n{blocks}\nnet:\n{rows}\n"
    return source(resgraph.loads(text))


def classes(text: str) -> list[str]:
    return re.findall(r"^class (\w+)", text, re.MULTILINE)


PAIR = "  pair:\n    body: [3x3 conv out /stride, 3x3 conv out linear]\n    merge: relu(body + shortcut)"


def test_like_blocks_share_a_class_and_differ_in_its_arguments() -> None:
    text = net("  a: 2 x pair 8\n  b: 4 x pair 16 /2", PAIR)
    assert classes(text) == ["PairProjection", "Pair", "Net"]
    assert "PairProjection(4, 8)" in text
    assert "PairProjection(8, 16, stride=2)" in text
    assert "*(Pair(16) for _ in range(3))" in text


def test_a_block_of_one_kind_has_its_plain_name() -> None:
    assert classes(net("  a: 2 x pair 4", PAIR)) == ["Pair", "Net"]


def test_every_row_is_a_statement_and_what_is_read_again_keeps_its_name() -> (
    None
):
    rows = "  a: 3x3 conv 8\n  b: 3x3 conv 8\n  c: [concat(a b), 3x3 conv 8]\n  d: [c + a, 3x3 conv 2]"
    lines = (
        net(rows)
        .split("def forward(self, x):")[1]
        .split("\n\n")[0]
        .split("\n")[1:]
    )
    assert [line.strip() for line in lines] == [
        "a = self.a(x)",
        "x = self.b(a)",
        "x = self.c(torch.cat([a, x], dim=1))",
        "return self.d(x + a)",
    ]


def test_a_sum_is_written_over_what_a_path_made() -> None:
    text = net("  a: 3x3 conv 4\n  b: pair 4", PAIR)
    assert (
        "out = self.body(x)\n        out += x\n        return self.merge(out)"
        in text
    )
    text = net(
        "  a: 3x3 conv 4\n  b: 3x3 conv 4 linear\n  c: [b + a, 3x3 conv 4]"
    )
    assert (
        "a = self.a(x)\n        x = self.b(a)\n        x += a\n        return self.c(x)"
        in text
    )
    text = net(
        "  a: 3x3 conv 4 linear\n  b: [3x3 conv 4, relu]\n  c: [a + b, bn]\n  d: [c + b, bn]"
    )
    # `a` is read twice
    assert (
        "a = self.a(x)\n        b = self.b(a)\n        x = self.c(a + b)"
        in text
    )


def test_numbers_in_what_is_added_can_differ() -> None:
    blocks = "  b:\n    let: {k: 1}\n    y: 3x3 conv out linear\n    merge: y + k*x"
    text = net("  a: 3x3 conv 4\n  c: b k 3\n  d: b k 5", blocks)
    assert (
        "out = self.y(x)\n        out += self.factor * x\n        return out"
        in text
    )
    assert "self.c = B(factor=3)" in text


def test_a_sum_in_the_middle_of_an_equation() -> None:
    blocks = "  b:\n    y: 3x3 conv out linear\n    z: 3x3 conv out linear\n    merge: relu(z)*(y + z*x)"
    text = net("  a: 3x3 conv 4\n  c: b 4", blocks)
    assert (
        "z = self.z(x)\n        out += z * x\n        return self.merge.relu(z) * out"
        in text
    )


def test_the_input_can_be_read_by_a_later_row() -> None:
    text = net(
        "  a: 3x3 conv 4\n  b: 3x3 conv 4\n  c: [b + input, 3x3 conv 2]"
    )
    assert (
        "a = self.a(x)\n        b = self.b(a)\n        return self.c(b + x)"
        in text
    )


def test_equations_have_the_fewest_brackets() -> None:
    blocks = "  gate:\n    F: 3x3 conv out\n    T: 3x3 conv out sigmoid\n    merge: (F - x)*T/2 - (x - 1)"
    text = net("  a: gate 4", blocks)
    assert "return (self.F(x) - x) * self.T(x) / 2 - (x - 1)" in text


def test_a_long_chain_of_equations_is_cut_into_statements() -> None:
    paths = [f"    p{n + 1}: relu(p{n} + x)" for n in range(300)]
    blocks = "\n".join(
        ["  b:", "    p0: 1x1 conv out", *paths, "    merge: p300"]
    )
    text = net("  a: b 4", blocks)
    depths = accumulate((c == "(") - (c == ")") for c in text)
    assert max(depths) < 100, (
        "Python reads at most 200 brackets in one another"
    )
    assert len(re.findall(r"self\.p\d+\(", text)) == 301
    compile(text, "net", "exec")


def test_a_local_never_hides_what_the_body_needs() -> None:
    blocks = "  gate:\n    F: 3x3 conv out\n    torch: 3x3 conv out\n    merge: relu(concat(F torch F torch))"
    text = net("  a: gate 4", blocks)
    assert "F_ = self.F(x)" in text
    assert "torch_ = self.torch(x)" in text
    assert (
        "return self.merge(torch.cat([F_, torch_, F_, torch_], dim=1))"
        in text
    )


def test_numbers_of_an_equation_become_an_attribute_where_they_differ() -> (
    None
):
    blocks = (
        "  b:\n    let: {k: 1}\n    y: 3x3 conv out\n    merge: y/k + 2*x"
    )
    text = net("  a: b k 3\n  c: b k 5", blocks)
    assert "return self.y(x) / self.divisor + 2 * x" in text
    assert "self.a = B(divisor=3)" in text
    assert "self.c = B(divisor=5)" in text


def test_places_are_those_of_the_spec_where_an_equation_or_nothing_stands_first() -> (
    None
):
    blocks = "  p:\n    pre: [bn, relu]\n    body: [pre, 3x3 conv out]\n    merge: [body + x, bn]"
    text = net(
        "  a: p 4\n  b: [1x1 avg pool, 3x3 conv 4, 1x1 avg pool, 3x3 conv 4]",
        blocks,
    )
    assert (
        "self.body = sequential_from(1, conv_bn_relu(4, 4, kernel_size=3))"
        in text
    )
    assert "self.merge = sequential_from(1, nn.BatchNorm2d(4))" in text
    assert '("1", conv_bn_relu(4, 4, kernel_size=3))' in text
    assert '("3", conv_bn_relu(4, 4, kernel_size=3))' in text


def test_runs_of_rates_by_depth_are_one_line() -> None:
    blocks = "  b:\n    body: [3x3 conv out, drop path 0.5*index/(total - 1)]\n    merge: body + x"
    text = net("  a: 7 x b 4", blocks)
    assert "*(B(rate=i / 12) for i in range(7))" in text


def test_the_same_plan_gives_the_same_bytes() -> None:
    code = f"import resgraph; print(resgraph.load({str(SPECS / 'resnest.yaml')!r} + '::resnest-50').source())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


PLAN = resgraph.loads(
    f"name: net\ninput: 4x8x8\nblocks:\n{PAIR}\nnet:\n  a: 2 x pair 8\n"
)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=60))
def test_text_of_a_stranger_stays_text(
    name: str, about: str, equation: str
) -> None:
    for block in PLAN.graph.blocks():
        block.merge = equation or "x"
        block.block = name or "b"
    spec = SimpleNamespace(init=None, about=about)
    text = source(
        SimpleNamespace(
            spec=spec, graph=PLAN.graph, name=name, inputs=PLAN.inputs
        )
    )  # type: ignore[arg-type]
    tree = ast.parse(text)
    assert all(
        isinstance(
            node,
            ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef,
        )
        for node in tree.body
    )
    assert {c for c in text if not c.isprintable()} == {"\n"}
    documented = [
        ast.get_docstring(node) or ""
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]
    assert [bool(re.search(r"Block\s`", text)) for text in documented] == [
        True,
        True,
        False,
    ]


def test_names_that_mean_something_in_python_are_numbered() -> None:
    text = net(
        "  a: none-\n  b: F",
        "  none-: {y: 3x3 conv out, merge: relu(y + x)}\n  F: {y: 3x3 conv out, merge: y + x}",
    )
    assert classes(text) == ["None2", "F2", "Net"]


def test_a_row_cannot_be_called_as_a_method_of_the_net() -> None:
    with pytest.raises(
        resgraph.SpecError, match=r"a word of torch\.nn\.Module"
    ):
        net("  reset_parameters: 3x3 conv 4")
