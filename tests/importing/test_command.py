"""`resgraph import`: what is written, what is said, and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import resgraph
from resgraph.cli import run

CODE = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))

def wide():
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 4, 1))

def small():
    return nn.Sequential(nn.Conv2d(3, 8, 7, 4), nn.ReLU(), nn.Conv2d(8, 4, 1))

def configured():
    made = small()
    made.pretrained_cfg = {"input_size": (3, 32, 32)}
    return made

def computed():
    widths = torch.arange(1, 3) * 8
    one, two = widths.tolist()
    return nn.Sequential(nn.Conv2d(3, one, 1), nn.ReLU(), nn.Conv2d(one, two, 1))

class Lost(nn.Module):
    def forward(self, x):
        return x.cumsum(2)

class Spare(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.spare = nn.Conv2d(3, 4, 1), nn.Linear(4, 2)
        self.tied = self.used.weight

    def forward(self, x):
        return self.used(x).relu()

made = net()

def broken():
    raise RuntimeError("no such thing")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "nets_of_mine.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return "nets_of_mine"


def test_a_callable_is_imported(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(
            [
                "import",
                f"{package}:net",
                "--input",
                "3x8x8",
                "-o",
                "net.yaml",
            ]
        )
        == 0
    )
    said = capsys.readouterr().err
    assert "wrote net.yaml" in said and "proven: equal to" in said
    assert (
        Path("net.yaml").read_text()
        == """\
name: net
about: nets_of_mine:net
input: 3x8x8

unit: conv relu

net:
  conv1: [3x3 conv 8, 1x1 conv 4 linear]

expect: {params: 260, macs: 15_872, depth: 2, output: 4x8x8}
"""
    )
    assert run(["check", "net.yaml"]) == 0
    assert run(["import", f"{package}:net", "-o", "net.yaml"]) == 2


def test_parameters_that_no_output_reads_are_told(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "left out: `spare.weight`, `spare.bias`, which no output reads: 10 parameters\n"
    assert run(["import", f"{package}:Spare", "--input", "3x8x8"]) == 0
    assert capsys.readouterr().err.endswith(said)
    assert run(["import", f"{package}:made", "--input", "3x8x8"]) == 0
    assert "left out" not in capsys.readouterr().err


def test_a_module_that_is_there_is_imported_and_stays(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert run(["import", f"{package}:made", "--input", "3x8x8"]) == 0
        assert "proven: equal to" in capsys.readouterr().err


def test_a_model_that_computes_its_widths(package: str) -> None:
    """As torchvision's RegNets do, with tensors: that needs numbers."""
    given = [
        "import",
        f"{package}:computed",
        "--input",
        "3x8x8",
        "-o",
        "net.yaml",
    ]
    assert run(given) == 0
    assert (
        "[1x1 conv 8, 1x1 conv 16 linear]" in Path("net.yaml").read_text()
    )


def test_commands_take_a_model(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", f"{package}:small", "-o", "small.yaml"]) == 0
    assert run(["show", "small.yaml", "--format", "csv"]) == 0
    expected = capsys.readouterr().out
    assert run(["show", f"{package}:small", "--format", "csv"]) == 0
    assert capsys.readouterr().out == expected
    assert run(["diff", f"{package}:small", "small.yaml"]) == 0
    assert run(["render", f"{package}:small", "-o", "small.svg"]) == 0
    assert Path("small.svg").read_text().startswith("<svg")
    assert run(["show", f"{package}:missing"]) == 2


def test_a_file_of_that_name_comes_first(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = "name: mine\ninput: 4\nnet: {only: fc 2}\n"
    Path(f"{package}:small").write_text(spec)
    assert run(["show", f"{package}:small"]) == 0
    assert "mine" in capsys.readouterr().out


def test_a_refusal_says_op_and_module_and_writes_nothing(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", f"{package}:Lost", "-o", "lost.yaml"]) == 1
    assert "`cumsum` is not in the language" in capsys.readouterr().err
    assert not Path("lost.yaml").exists()


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        (
            "nets_of_mine:broken",
            2,
            "cannot be built: RuntimeError: no such thing",
        ),
        ("nets_of_mine:other", 2, "has no `other`"),
        ("not_there_at_all:net", 4, "`not_there_at_all` is not installed"),
        ("resnet-50", 2, "names no model"),
    ],
)
def test_what_is_no_model(
    package: str,
    capsys: pytest.CaptureFixture[str],
    model: str,
    code: int,
    said: str,
) -> None:
    assert run(["import", model]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("reference", ["nets_of_mine:net", "timm:resnet18"])
def test_code_is_named_on_a_command_line_only(
    package: str, reference: str
) -> None:
    """A spec that names code is a spec of a file that is not there."""
    sys.modules.pop("nets_of_mine", None)
    text = f"extends: '{reference}'\nname: n\n"
    Path("spec.yaml").write_text(text)
    with pytest.raises(resgraph.errors.ResgraphError):
        resgraph.load("spec.yaml")
    with pytest.raises(resgraph.errors.ResgraphError):
        resgraph.loads(text)
    assert "nets_of_mine" not in sys.modules


@pytest.mark.parametrize("reference", ["nets_of_mine:net", "timm:resnet18"])
def test_a_study_and_an_editor_name_no_code(
    package: str, capsys: pytest.CaptureFixture[str], reference: str
) -> None:
    """Nor is what they open a model."""
    from resgraph.checked import check_nets

    sys.modules.pop("nets_of_mine", None)
    Path("study.yaml").write_text(
        f"study: s\nnets: {{file: '{reference}'}}\nseeds: 2\nbudget: {{epochs: 1}}\n"
    )
    assert run(["check", "study.yaml"]) == 1
    assert reference in capsys.readouterr().err
    text = f"name: n\nextends: '{reference}'\n"
    source = resgraph.errors.Source("spec.yaml", text)
    (found,) = check_nets("spec.yaml", source=source)
    assert found.problems
    assert "nets_of_mine" not in sys.modules


def test_two_models_are_variants_of_one_file(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [f"{package}:net", f"{package}:wide"]
    assert (
        run(["import", *models, "--input", "3x8x8", "-o", "pair.yaml"]) == 0
    )
    said = capsys.readouterr().err
    assert "net is equal to" in said and "wide is equal to" in said
    text = Path("pair.yaml").read_text()
    assert (
        "name: pair\nabout: nets_of_mine:net, nets_of_mine:wide\n" in text
    )
    assert (
        "let: {wider: 8}" in text
        and "[3x3 conv wider, 1x1 conv 4 linear]" in text
    )
    assert run(["check", "pair.yaml::wide"]) == 0


def test_models_that_share_too_little_write_nothing(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [f"{package}:net", f"{package}:small"]
    assert (
        run(["import", *models, "--input", "3x8x8", "-o", "pair.yaml"]) == 1
    )
    said = capsys.readouterr().err
    assert (
        "share too little for one file: their rows `conv1` differ" in said
    )
    assert not Path("pair.yaml").exists()
    assert run(["import", *models, "--weights", "w.safetensors"]) == 2


def test_the_size_of_the_image_is_told_where_none_is_given(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "input: 3x224x224, the usual size of an image; --input sets another\n"
    assert run(["import", f"{package}:small"]) == 0
    assert told in capsys.readouterr().err
    assert run(["import", f"{package}:small", "--input", "3x64x64"]) == 0
    assert "input: " not in capsys.readouterr().err
    # a timm model has its configuration with it, whoever builds it
    assert run(["import", f"{package}:configured"]) == 0
    said = capsys.readouterr()
    assert "input: 3x32x32, the size that timm's weights saw" in said.err
    assert "\ninput: 3x32x32\n" in said.out
