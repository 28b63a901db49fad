"""A run that is killed (SIGKILL) at any durable operation resumes to the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_resume import PLAIN

HERE = Path(__file__).parent
SHORT: dict[str, Any] = {
    **PLAIN,
    "epochs": 2,
    "ema": {"decay": 0.9},
    "augment": {"flip": True, "cutmix": 1.0},
}


def worker(orders: dict[str, Any]) -> Any:
    """What worker.py prints, as JSON."""
    root = str(HERE.parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, str(HERE / "worker.py"), json.dumps(orders)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,  # two ranks that compile take 80 s of CPU from an empty cache, and other work may be beside
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
