"""`--partial`, `--weights`, and how far a refusal says that import came."""

from __future__ import annotations

from pathlib import Path

import pytest
import small
import torch
from torch import Tensor, nn

import resgraph
from resgraph.cli import run
from resgraph.importing import ImportRefused, from_module

INPUT = (3, 16, 16)
CODE = """
import small, torch
from torch import nn

class Sorted(nn.Module):
    def forward(self, x):
        return x.sort(1).values

def lost():
    torch.manual_seed(0)
    return nn.Sequential(*small.stages(small.Basic)[:-1], Sorted())

def net():
    torch.manual_seed(0)
    return small.stages(small.Basic)
"""


class Sorted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort(1).values


def test_a_refusal_says_how_far_import_came() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU(), Sorted())
    )
    with pytest.raises(ImportRefused) as refused:
        from_module(net, INPUT)
    line = "test_beginnings.py:37: `return x.sort(1).values`"
    where = f"(in module `1.1`; {line}; 2 of 3 ops were read)"
    assert str(refused.value) == f"`sort` is not in the language {where}"


def test_a_beginning_is_proven_and_says_why_it_ends() -> None:
    net = nn.Sequential(*(small.Basic(3, 3) for _ in range(2)), Sorted())
    found = from_module(net, INPUT, name="net", partial=True)
    assert found.text.startswith(
        "# The beginning of the model: `sort` is not in the language (in module `2`;"
    )
    assert "conv1: 2 x basic" in found.text
    assert found.ended.endswith("14 of 15 ops were read)")
    assert found.plan.output == INPUT
    assert found.proof.output is not None and found.proof.output < 1e-12


def test_a_beginning_ends_where_one_tensor_is_alive() -> None:
    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.left = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return self.left(x) + x.sort(1).values

    found = from_module(Branched(), INPUT, name="net", partial=True)
    assert list(found.names.values()) == ["first.weight", "first.bias"]


def test_nothing_can_be_said() -> None:
    with pytest.raises(ImportRefused, match="`sort`"):
        from_module(Sorted(), INPUT, partial=True)


def test_a_whole_model_is_no_beginning() -> None:
    model = small.stages(small.Basic)
    assert not from_module(model, INPUT, name="net", partial=True).ended


def test_weights_are_the_models_own() -> None:
    model = small.stages(small.Basic).eval()
    found = resgraph.from_module(model, INPUT)
    ours = found.plan.module().eval()
    ours.load_state_dict(found.weights())
    images = torch.randn(2, *INPUT)
    with torch.no_grad():
        assert torch.allclose(ours(images), model(images), atol=1e-6)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "begun_nets.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return "begun_nets"


def test_on_the_command_line(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        "import",
        f"{package}:lost",
        "--input",
        "3x16x16",
        "-o",
        "lost.yaml",
    ]
    assert run(given) == 1
    assert not Path("lost.yaml").exists()
    assert "ops were read)" in capsys.readouterr().err
    assert run([*given, "--partial"]) == 0
    assert "only a beginning was written" in capsys.readouterr().err
    assert run(["check", "lost.yaml"]) == 0
    given = [
        "import",
        f"{package}:net",
        "--input",
        "3x16x16",
        "-o",
        "net.yaml",
    ]
    assert run([*given, "--weights", "net.safetensors"]) == 0
    assert run([*given, "--weights", "net.safetensors"]) == 2
    assert run(["check", "net.yaml"]) == 0

    from safetensors.torch import load_file

    net = resgraph.load("net.yaml").module()
    net.load_state_dict(load_file("net.safetensors"))


def test_check_takes_a_model(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", f"{package}:net"]) == 0
    assert f"ok  {package}:net" in capsys.readouterr().out
    assert run(["check", f"{package}:net", "--fix"]) == 2
    assert "`--fix` mends files" in capsys.readouterr().err
