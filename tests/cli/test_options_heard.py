"""An option that would change nothing is refused, and not passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from resgraph.cli import run

SAID = {
    "check digits --json --format github": "--json and --format github",
    "show digits --json --format csv": "--json and --format csv",
    "show digits --format markdown --batch 4": "--batch is for the memory",
    "show digits --json --batch 4": "--batch is for the memory",
    "show digits --key ema": "--key says which state dict",
    "fmt a.yaml --long --short": "--long and --short: say one of them",
    "export digits -o a.safetensors --inplace off": "--inplace is of what is",
    "export digits -o a.py --seed 3": "--seed is for weights that are init",
    "sweep a.yaml --plan --jobs 3 --cluster tcp://here:1": "--jobs is of",
    "eval a-run --weights a.safetensors": "--weights is for a spec",
    "predict a-run a.png --weights a.safetensors": "--weights is for a spec",
}


@pytest.mark.parametrize("command", SAID)
def test_it_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "a-run").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run(command.split()) == 2
    out, err = capsys.readouterr()
    assert SAID[command] in out + err
    assert [each.name for each in tmp_path.iterdir()] == ["a-run"]


def test_a_difference_is_drawn_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "d.svg"
    command = ["diff", "digits", "mlp", "--json", "-o", str(picture)]
    assert run(command) == 0
    assert '"before": {' in capsys.readouterr().out
    assert picture.read_text(encoding="utf-8").startswith("<svg")
