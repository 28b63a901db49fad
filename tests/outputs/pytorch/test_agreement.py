"""What runs is what is drawn, node by node; a module that was changed is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from resgraph import load, loads
from resgraph.cli import run
from resgraph.language.references import zoo_index
from resgraph.outputs.pytorch.agreement import disagreements
from resgraph.outputs.pytorch.trace import trace

SPEC = """
name: Small
input: 3x16x16
blocks:
  pair:
    body:  [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv 8
  conv2: 2 x pair 8
  conv3: pair 16 /2
  head:  [global avg pool, fc 10]
"""
FEW = ["se-resnet-50", "densenet-121", "fractalnet", "res-unet", "shufflenet-x1_0"]


@pytest.mark.parametrize("name", FEW)
def test_nets_are_as_they_are_drawn(name: str) -> None:
    assert disagreements(load(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(zoo_index()))
def test_the_zoo_is_as_it_is_drawn(name: str) -> None:
    assert disagreements(load(name)) == []


def test_calls_of_torch_are_told_by_what_they_read() -> None:
    """`h*t + x*(1 - t)`: four calls, each of a node."""
    text = SPEC.replace("relu(body + shortcut)", "body*gate + x*(1 - gate)").replace(
        "    merge", "    gate:  3x3 conv in sigmoid\n    merge"
    )
    made = [
        name
        for name in trace(loads(text.replace(" /2", "").replace("16\n", "8\n"))).calls
        if name
    ]
    assert [name.rsplit(".", 1)[1][:3] for name in made[:4]] == [
        "mul",
        "sub",
        "mul",
        "add",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "out += self.shortcut(x)",
            "out = out + self.shortcut(x) * 0 + x[:, :1, ::2, ::2]",
            "reads",
        ),
        ("out += x", "pass", "is not computed"),
        ("kernel_size=3, stride=2", "kernel_size=5, stride=2", "parameters"),
        ("nn.BatchNorm2d(width)", "nn.BatchNorm2d(width, eps=0.1)", "eps=0.1"),
        ("x = self.conv3(x)", "x = self.conv3(x[:, :, ::2])", "gives"),
        ("return self.head(x)", "return self.neck(x)", "does not run"),
    ],
)
def test_a_changed_module_is_found_out(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    plan = loads(SPEC)
    text = plan.source()
    assert old in text
    file = tmp_path / "model.py"
    file.write_text(text, encoding="utf-8")
    assert disagreements(plan, file) == []
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(said in line for line in disagreements(plan, file))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, file = tmp_path / "small.yaml", tmp_path / "model.py"
    spec.write_text(SPEC, encoding="utf-8")
    plan = load(spec)
    assert run(["check", str(spec), "--prove"]) == 0
    nodes = len(plan.graph.nodes) - 1
    assert f"{nodes} nodes, as they are drawn" in capsys.readouterr().err
    file.write_text(plan.source().replace("out += x", "pass"), encoding="utf-8")
    assert run(["check", str(spec), "--module", str(file)]) == 1
    assert "`conv2.0.merge.add` is not computed" in capsys.readouterr().err
    file.write_text("import", encoding="utf-8")
    assert run(["check", str(spec), "--module", str(file)]) == 2
    assert run(["check", str(spec), "--module", str(tmp_path / "none.py")]) == 2
