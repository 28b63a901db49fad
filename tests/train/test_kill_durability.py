"""A run that is killed (SIGKILL) at any durable operation resumes to the same bytes."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from forked import worker
from test_resume import PLAIN

SHORT: dict[str, Any] = {
    **PLAIN,
    "epochs": 2,
    "ema": {"decay": 0.9},
    "augment": {"flip": True, "cutmix": 1.0},
}


def swept(tmp_path: Path, every: int, first: int) -> int:
    orders = {
        "reference": str(tmp_path / "whole"),
        "root": str(tmp_path),
        "recipe": SHORT,
        "every": every,
        "first": first,
    }
    return int(worker({"sweep": orders}))


def test_killed_at_some_operations(tmp_path: Path) -> None:
    assert swept(tmp_path, every=9, first=2) >= 4


@pytest.mark.slow
def test_killed_at_every_operation(tmp_path: Path) -> None:
    assert swept(tmp_path, every=1, first=1) >= 40


def test_a_signal_ends_the_process_with_its_number_and_the_way_on(
    tmp_path: Path,
) -> None:
    cut, whole = (
        {"ranks": 1, "out": str(tmp_path / name), "recipe": SHORT}
        for name in ("cut", "whole")
    )
    stopped, gone_on, undisturbed = worker(
        {
            "launches": [
                {**cut, "number": signal.SIGUSR1},
                {**cut, "number": 0},
                {**whole, "number": 0},
            ]
        }
    )
    message = f"stopped after step 7, saved; resume it with: resgraph resume {tmp_path / 'cut'}\n"
    assert stopped == [[128 + signal.SIGUSR1, message]]
    assert gone_on == undisturbed == [[0, ""]]
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes()
