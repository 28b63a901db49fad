"""What several commands do with a spec before they use it: definitions that go unused, claims, overrides of several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from resgraph.cli import run

SEARCHED = """
import gc
import sys
from resgraph.__main__ import main

gc.callbacks.append(lambda phase, _: print(phase))
sys.argv = ["resgraph", "check", "resnet-50"]
try:
    main()
finally:
    gc.callbacks.clear()
"""
UNUSED = """\
name: a
input: 3x8x8
let: {w: 8, v: 2}
blocks:
  pair: {body: 3x3 conv out linear, merge: relu(body + shortcut)}
  spare: [1x1 conv out]
net: {one: pair w, head: [global avg pool, fc 2]}
expect: {depth: 2}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(UNUSED)
    (tmp_path / "b.yaml").write_text(
        "name: b\ninput: 3x8x8\nlet: {n: 2}\nnet: {one: n x relu}\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [["show", "a.yaml"], ["render", "a.yaml", "-o", "a.svg"], ["export", "a.yaml", "-o", "a.py"],
     ["export", "a.yaml", "-o", "a.safetensors"], ["resolve", "a.yaml"], ["diff", "a.yaml", "b.yaml"]],
    ids=lambda command: " ".join(command),
)  # fmt: skip
def test_what_goes_unused_is_a_warning(
    here: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == 0
    told = capsys.readouterr().err
    assert (
        "warning: nothing reads `v` (a.yaml:3:13); `resgraph check` refuses that"
        in told
    )
    assert "warning: no row and no block calls `spare` (a.yaml:6:3)" in told


def test_check_refuses_it_and_tells_the_rest_too(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.yaml").write_text(UNUSED.replace("depth: 2", "depth: 3"))
    assert run(["check", "a.yaml"]) == 1
    told = capsys.readouterr().err
    assert told.count("error[E034]") == 2
    assert told.count("error[E050]") == 1


def test_what_is_set_voids_what_is_expected_and_says_so_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.yaml").write_text(
        UNUSED.replace(", v: 2", "").replace(
            "  spare: [1x1 conv out]\n", ""
        )
    )
    assert run(["check", "a.yaml", "--set", "net.one=2 x pair w"]) == 0
    told = capsys.readouterr()
    note = "note: `--set` changes the net, so what the file expects of itself is not checked"
    assert told.err.splitlines() == [note]
    assert "as expected" not in told.out
    assert run(["check", "a.yaml"]) == 0
    told = capsys.readouterr()
    assert "as expected: depth" in told.out
    assert told.err == ""


@pytest.mark.parametrize("command", ["check", "show"])
def test_an_override_is_for_those_that_have_its_path(
    here: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.yaml").write_text(
        UNUSED.replace(", v: 2", "").replace(
            "  spare: [1x1 conv out]\n", ""
        )
    )
    assert (
        run(
            [
                command,
                "a.yaml",
                "b.yaml",
                "--set",
                "let.n=3",
                "--set",
                "input=3x16x16",
            ]
        )
        == 0
    )
    assert (
        "note: a.yaml has no `let.n`, and stays as it is"
        in capsys.readouterr().err
    )
    assert run([command, "a.yaml", "b.yaml", "--set", "let.m=3"]) == 1
    assert "names nothing in this spec" in capsys.readouterr().err


def test_a_command_is_loaded_without_searches_for_garbage() -> None:
    found = subprocess.run(
        [sys.executable, "-c", SEARCHED],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ok  resnet::resnet-50" in found.stdout
    assert found.stdout.count("start") <= 3, "84 with them"
