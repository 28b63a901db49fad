"""Starters check, show and draw as they are, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

import resgraph
from resgraph.cli import run


@pytest.mark.parametrize("kind", ["digits", "cifar", "imagenet", "vector"])
def test_a_starter_is_whole(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my_net.yaml"
    assert run(["new", str(file), "--like", kind]) == 0
    assert f"resgraph build {file}" in capsys.readouterr().err
    assert run(["check", "--strict", str(file)]) == 0
    plan = resgraph.load(file)
    assert plan.name == "my-net"
    assert plan.spec.train is not None
    assert plan.svg().startswith("<svg")
    assert file.read_text().startswith(
        "# yaml-language-server: $schema=resgraph.schema.json\n"
    )


def test_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("mine")
    assert run(["new", str(file)]) == 2
    assert file.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run(["new", str(file), "--force"]) == 0
