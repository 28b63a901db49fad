"""The hooks for pre-commit run commands that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from resgraph.cli import run

HOOKS = yaml.safe_load(
    (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text(
        encoding="utf-8"
    )
)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_takes_file_names(
    hook: dict[str, str], tmp_path: Path
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(
        "name: a\ninput: 3x32x32\n\nnet:\n  conv1: 3x3 conv 8\n",
        encoding="utf-8",
    )
    program, *arguments = hook["entry"].split()
    assert program == "resgraph"
    assert run([*arguments, str(spec)]) == 0
