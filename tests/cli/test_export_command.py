"""`resgraph export` from specs and from runs: formats by suffix, refusals before any work, nothing half written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from resgraph.cli import run
from resgraph.outputs.pytorch.build import net_class, source_module

DIGITS = str(Path(__file__).parents[2] / "specs" / "digits.yaml")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of half an epoch."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    command = [
        "build",
        DIGITS,
        "-o",
        str(out),
        "--json",
        "--device",
        "cpu",
        "--threads",
        "1",
    ]
    assert run([*command, "--set", "train.epochs=0.5"]) == 0
    return out


def test_source_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", DIGITS]) == 0
    assert "class ResNet8ForDigits(nn.Module):" in capsys.readouterr().out


TINY = "name: tiny\ninput: 1x8x8\nnet: {a: 3x3 conv 4, head: [global avg pool, fc 10]}\n"


@pytest.mark.parametrize("suffix", ["safetensors", "pt2", "onnx"])
def test_the_suffix_says_the_format(
    suffix: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if suffix == "onnx":
        pytest.importorskip(
            "onnxscript",
            reason="ONNX is an extra: pip install 'resgraph[onnx]'",
        )
    spec = str(tmp_path_factory.mktemp("spec") / "tiny.yaml")
    Path(spec).write_text(TINY)
    file = tmp_path / f"net.{suffix}"
    assert run(["export", spec, "-o", str(file)]) == 0
    assert capsys.readouterr().err.startswith(f"wrote {file}")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    content = file.read_bytes()
    assert run(["export", spec, "-o", str(file)]) == 2
    assert (
        capsys.readouterr().err
        == f"error: {file} exists; --force overwrites it\n"
    )
    assert file.read_bytes() == content
    assert (
        run(["export", spec, "-o", str(file), "--force", "--fold-bn"]) == 0
    )
    assert len(file.read_bytes()) < len(content)


def test_a_folded_source_takes_folded_weights(tmp_path: Path) -> None:
    for name in ("model.py", "net.safetensors"):
        assert (
            run(["export", DIGITS, "--fold-bn", "-o", str(tmp_path / name)])
            == 0
        )
    text = (tmp_path / "model.py").read_text(encoding="utf-8")
    assert "BatchNorm" not in text
    net = net_class(source_module(text))()
    net.load_state_dict(load_file(tmp_path / "net.safetensors"))


def test_a_run_gives_its_trained_weights_and_what_it_does_to_images(
    trained: Path, tmp_path: Path
) -> None:
    file = tmp_path / "net.safetensors"
    assert run(["export", str(trained), "-o", str(file)]) == 0
    wanted = load_file(trained / "weights.safetensors")
    found = load_file(file)
    assert all(
        torch.equal(found[name], value) for name, value in wanted.items()
    )
    with safe_open(file, "pt") as opened:
        facts = opened.metadata()
    assert json.loads(facts["preprocessing"]) == json.loads(
        (trained / "preprocess.json").read_text(encoding="utf-8")
    )
    assert (
        run(["export", str(trained), "-o", str(tmp_path / "model.py")]) == 0
    )
    assert (tmp_path / "model.py").read_bytes() == (
        trained / "model.py"
    ).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--format", "pt2"],
            "pt2 is no text: say where to with -o FILE.pt2",
        ),
        (
            ["-o", "net.py", "--seed", "3"],
            "--seed is for weights that are initialised",
        ),
        (  # torch would take its lower 32 bits, and write the weights of 0
            ["-o", "net.safetensors", "--seed", "4294967296"],
            "4294967296 is not in the range 0<=x<=4294967295",
        ),
        (
            ["-o", "net.pkl"],
            "`net.pkl` does not say which format: end it in one of .py, .pt2, .onnx, .safetensors",
        ),
    ],
)
def test_refusals(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export", DIGITS, *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_has_its_own_spec(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", str(trained), "--set", "let.e=2"]) == 2
    assert (
        "a run has the spec that it was trained with"
        in capsys.readouterr().err
    )


def test_a_run_without_weights_is_told(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(trained, copy)
    (copy / "weights.safetensors").unlink()
    assert run(["export", str(copy), "-o", str(tmp_path / "net.pt2")]) == 5
    assert "has no weights yet" in capsys.readouterr().err


def test_a_place_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(
            [
                "export",
                DIGITS,
                "-o",
                str(tmp_path / "none" / "net.safetensors"),
            ]
        )
        == 2
    )
    assert "cannot write" in capsys.readouterr().err


def test_without_the_extra(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def without(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(
        "resgraph.outputs.pytorch.export.import_module", without
    )
    assert run(["export", DIGITS, "-o", str(tmp_path / "net.onnx")]) == 4
    assert "pip install 'resgraph[onnx]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
