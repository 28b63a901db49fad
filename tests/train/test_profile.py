"""What is measured of each node adds up to what is measured of the step."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from resgraph import loads, train
from resgraph.cli import run
from resgraph.outputs.heat_csv import read_heat
from resgraph.train import profiling
from resgraph.train.profiling import profile_plan

SPEC = """
name: Small
input: 3x16x16
blocks:
  pair:
    body:  [3x3 conv out, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  conv1: 3x3 conv 8
  conv2: 2 x pair 8
  head:  [global avg pool, fc 10]
"""


def test_the_parts_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are how often the clock was read: once at each node, and around them."""
    clock = SimpleNamespace(perf_counter=count().__next__)
    monkeypatch.setattr(profiling, "time", clock)
    plan = loads(SPEC)
    found = profile_plan(plan, 4, 3)
    forward, backward = (
        found.values(kind) for kind in ("forward", "backward")
    )
    nodes = len(plan.graph.nodes) - 1  # the input takes no time
    assert sum(forward.values()) == nodes == found.forward - 2
    assert sum(backward.values()) == found.backward == nodes + 1


def test_memory_is_what_the_backward_pass_keeps() -> None:
    """A bare convolution keeps its input; the ReLU behind it its own output, 4 bytes a number."""
    found = profile_plan(
        loads(
            "name: n\ninput: 3x16x16\nnet:\n  a: [3x3 conv 8 bare, relu]\n  b: [global avg pool, fc 10]\n"
        ),
        4,
        1,
    )
    kept = found.values("memory")
    images, maps = 4 * 3 * 16 * 16 * 4, 4 * 8 * 16 * 16 * 4
    conv, relu, pool, _ = kept.values()
    assert (conv, relu, pool) == (images, maps, 0)


def test_norms_are_those_of_autograd() -> None:
    """The gradient by the logits of a mean cross-entropy is (softmax - one-hot) / batch."""
    plan = loads(SPEC)
    found = profile_plan(plan, 4, 1)
    torch.manual_seed(0)
    net = plan.module().train()
    logits = net(torch.randn(4, 3, 16, 16))
    labels = torch.randint(
        10, (4,), generator=torch.Generator().manual_seed(0)
    )
    wanted = (
        logits.softmax(1) - torch.nn.functional.one_hot(labels, 10)
    ) / 4
    last = found.nodes["head.1"]
    assert last.gradient == pytest.approx(
        float(wanted.detach().norm()), rel=1e-4
    )
    assert last.activation == pytest.approx(
        float(logits.detach().square().mean().sqrt()), rel=1e-4
    )
    assert found.nodes.keys() == plan.graph.nodes.keys() - {"input"}
    assert all(node.gradient for node in found.nodes.values())


def test_the_command_writes_what_a_figure_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, table = tmp_path / "small.yaml", tmp_path / "small.csv"
    spec.write_text(SPEC, encoding="utf-8")
    asked = ["profile", str(spec), "--batch", "2", "--repeats", "1"]
    assert run(asked) == 0
    told = capsys.readouterr().out
    assert "2 images of noise (seed 0)" in told and "conv2" in told
    assert run([*asked, "-o", str(table), "--json"]) == 0
    nodes = json.loads(capsys.readouterr().out)["nodes"]
    heat = read_heat(table, "gradient", loads(SPEC).graph)
    assert heat.combine == "last" and heat.values.keys() == nodes.keys()
    assert heat.values["head.1"] == pytest.approx(
        nodes["head.1"]["gradient"], rel=1e-5
    )
    out = tmp_path / "small.svg"
    assert (
        run(
            [
                "render",
                str(spec),
                "--paint",
                f"{table}:gradient",
                "-o",
                str(out),
            ]
        )
        == 0
    )
    assert "gradient" in out.read_text()
    assert run(["render", str(spec), "--paint", "nowhere:gradient"]) == 2


@pytest.mark.slow
def test_a_run_has_its_own_weights_and_images(tmp_path: Path) -> None:
    text = SPEC.replace("3x16x16", "1x8x8").replace(
        "name", "train: digits\nname"
    )
    plan = loads(text, overrides=["train.epochs=1"])
    train.build(plan, out=tmp_path / "run")
    found = train.profile(tmp_path / "run", repeats=1)
    assert found.nodes.keys() == plan.graph.nodes.keys() - {"input"}
    assert "the weights of run" in found.about
    assert (
        run(["profile", str(tmp_path / "run"), "--set", "name=other"]) == 2
    )


@pytest.mark.parametrize(
    "option", [("--batch", "16"), ("--set", "name=other")]
)
def test_what_a_run_has_of_its_own_is_not_asked_for(
    option: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert run(["profile", str(tmp_path), *option]) == 2
    assert f"{option[0]} is for a spec" in capsys.readouterr().err
