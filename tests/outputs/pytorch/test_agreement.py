"""What runs is what is drawn, node by node; a module that was changed is found out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from test_weights import TEXT

from resgraph import load, loads
from resgraph.cli import run
from resgraph.language.references import zoo_names
from resgraph.outputs.pytorch.agreement import disagreements
from resgraph.outputs.pytorch.trace import trace

FEW = [
    "se-resnet-50",
    "densenet-121",
    "fractalnet",
    "res-unet",
    "shufflenet-x1_0",
]


@pytest.mark.parametrize("name", FEW)
def test_nets_are_as_they_are_drawn(name: str) -> None:
    assert disagreements(load(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo_names())
def test_the_zoo_is_as_it_is_drawn(name: str) -> None:
    assert disagreements(load(name)) == []


def test_calls_of_torch_are_told_by_what_they_read() -> None:
    """`h*t + x*(1 - t)`: four calls, each of a node."""
    gated = "body*gate + x*(1 - gate)\n    gate:  3x3 conv in sigmoid"
    text = TEXT.replace("relu(body + shortcut)", gated).replace(
        "pair 16 /2", "pair 8"
    )
    made = [
        name.rpartition(".")[2][:3]
        for name in trace(loads(text)).calls
        if name
    ]
    assert made == ["mul", "sub", "mul", "add"] * 2


@pytest.mark.parametrize(
    "equation",
    ["mean(a b c)", "max(a b c)", "min(a max(b c))", "mean(a over cells)", "sum(a*b over cells)", "max(a over cells)",
     "min(a over channels)", "mean(mean(a b) over cells)", "-a", "mean(a b a)", "a + b + a",
     "a*a*b", "max(a b a)", "a - b - a", "mean(a b) + mean(a b a)", "concat(a b a)"],
)  # fmt: skip
def test_functions_of_tensors_are_as_they_are_drawn(equation: str) -> None:
    flat = "" if "cells" in equation else "flatten, "
    text = (
        "name: net\ninput: 3x6x6\nnet:\n  a: 3x3 conv 8\n  b: 3x3 conv 8\n  c: 3x3 conv 8\n"
        f"  g: [{equation}]\n  h: [g, {flat}fc 2]\noutput: [h, a, b, c]\n"
    )
    assert disagreements(loads(text)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "out += self.shortcut(x)",
            "out = out + self.shortcut(x) * 0 + x[:, :1, ::2, ::2]",
            "reads",
        ),
        ("out += x", "pass", "is not computed"),
        (
            "kernel_size=3, stride=2",
            "kernel_size=5, stride=2",
            "parameters",
        ),
        (
            "nn.BatchNorm2d(width)",
            "nn.BatchNorm2d(width, eps=0.1)",
            "eps=0.1",
        ),
        ("x = self.conv2(x)", "x = self.conv2(x[:, :, ::2])", "gives"),
        ("return self.head(x)", "return self.neck(x)", "does not run"),
    ],
)
def test_a_changed_module_is_found_out(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    plan = loads(TEXT)
    text = plan.source()
    assert old in text
    file = tmp_path / "model.py"
    file.write_text(text, encoding="utf-8")
    assert disagreements(plan, file) == []
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(said in line for line in disagreements(plan, file))


def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, file = tmp_path / "small.yaml", tmp_path / "model.py"
    spec.write_text(TEXT, encoding="utf-8")
    plan = load(spec)
    assert run(["check", str(spec), "--prove"]) == 0
    nodes = len(plan.graph.nodes) - 1
    assert f"{nodes} nodes, as they are drawn" in capsys.readouterr().err
    file.write_text(
        plan.source().replace("out += x", "pass"), encoding="utf-8"
    )
    assert run(["check", str(spec), "--module", str(file)]) == 1
    assert "`conv2.0.merge.add` is not computed" in capsys.readouterr().err
    file.write_text("import", encoding="utf-8")
    assert run(["check", str(spec), "--module", str(file)]) == 2
    assert (
        run(["check", str(spec), "--module", str(tmp_path / "none.py")])
        == 2
    )
    file.write_text("net = None", encoding="utf-8")
    assert run(["check", str(spec), "--module", str(file)]) == 2
    assert "it defines no nn.Module" in capsys.readouterr().err


def test_without_torch_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "resgraph.outputs.pytorch.agreement")
    for asked in (["check", "digits", "--prove"], ["profile", "digits"]):
        assert run(asked) == 4
        assert "pip install 'resgraph[train]'" in capsys.readouterr().err
