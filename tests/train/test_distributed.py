"""Several processes over gloo: the same bytes after a stop, each sample once, and agreement on where to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from forked import worker
from test_kill_durability import SHORT

from resgraph.train.parallel.distributed import World

RECIPE: dict[str, Any] = {
    **SHORT,
    "batch": 12,
    "accumulate": 2,
    "epochs": 3,
}


def launched(*launches: dict[str, Any]) -> list[list[list[Any]]]:
    """One after another: each rank's exit code and what it said."""
    found: list[list[list[Any]]] = worker({"launches": launches})
    return found


@pytest.mark.parametrize(
    "ranks", [2, pytest.param(3, marks=pytest.mark.slow)]
)
def test_ranks_stop_together_and_go_on_bit_for_bit(
    ranks: int, tmp_path: Path
) -> None:
    whole, cut = (
        {"out": str(tmp_path / name), "recipe": RECIPE}
        for name in ("whole", "cut")
    )
    first, second, third = launched(
        {"ranks": ranks, "number": 0, **whole},
        {"ranks": ranks, "number": signal.SIGTERM, **cut},
        {"ranks": ranks, "number": 0, **cut},
    )
    assert [code for code, _ in first] == [0] * ranks, first
    assert [code for code, _ in second] == [128 + signal.SIGTERM] * ranks, (
        second
    )
    assert {
        said.split("after step ")[1].split(",")[0] for _, said in second
    } == {"10"}
    assert [code for code, _ in third] == [0] * ranks, third
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (
            tmp_path / "cut" / name
        ).read_bytes()


def test_a_run_goes_on_with_another_number_of_ranks(tmp_path: Path) -> None:
    orders = {"out": str(tmp_path / "run"), "recipe": RECIPE}
    two, one = launched(
        {"ranks": 2, "number": signal.SIGTERM, **orders},
        {"ranks": 1, "number": 0, **orders},
    )
    assert [code for code, _ in two] == [128 + signal.SIGTERM] * 2
    assert one == [[0, ""]]
    rows = [
        json.loads(line)
        for line in (tmp_path / "run" / "metrics.jsonl")
        .read_text()
        .splitlines()
    ]
    assert [row["step"] for row in rows] == [8, 16, 24]


def test_where_a_rank_is_killed_the_others_end_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    orders = {"out": str(tmp_path / "run"), "recipe": RECIPE}
    lost, again, whole = launched(
        {"ranks": 2, "number": signal.SIGKILL, "victim": 1, **orders},
        {"ranks": 2, "number": 0, **orders},
        {"ranks": 2, "number": 0, **orders, "out": str(tmp_path / "whole")},
    )
    (first, said), (second, _) = lost
    assert (first, second) == (3, -signal.SIGKILL)
    assert "process 0 lost the others" in said
    assert "what was saved is good" in said
    assert [code for code, _ in again + whole] == [0] * 4
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (
            tmp_path / "run" / name
        ).read_bytes()


def test_a_signal_to_any_rank_stops_all(tmp_path: Path) -> None:
    orders = {"out": str(tmp_path / "run"), "recipe": RECIPE}
    (ended,) = launched(
        {"ranks": 2, "number": signal.SIGTERM, "victim": 1, **orders}
    )
    assert [code for code, _ in ended] == [128 + signal.SIGTERM] * 2, ended


def test_one_process_needs_no_group() -> None:
    world = World()
    values = torch.tensor([1.0, 2.0])
    assert torch.equal(world.sum(values), values)
    assert torch.equal(world.gather(values), values[None])
    assert world.largest(15, torch.device("cpu")) == 15
    assert world.share("x") == "x"


@pytest.mark.slow
def test_torchrun_starts_a_run_again_where_a_rank_was_killed(
    tmp_path: Path,
) -> None:
    """One store of torchrun's serves both attempts: the second must not read the addresses of the first's dead."""
    script = tmp_path / "killed_once.py"
    script.write_text(
        "import os, signal, sys\n"
        f"sys.path[:0] = [{str(Path(__file__).parents[2])!r}]\n"
        "from resgraph.train.engine import loop\n"
        "real, left = loop.set_lr, [30]\n"
        "def counted(*args):\n"
        "    left[0] -= 1\n"
        "    if not left[0] and os.environ['RANK'] == '1' and os.environ['TORCHELASTIC_RESTART_COUNT'] == '0':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(*args)\n"
        "loop.set_lr = counted\n"
        "from resgraph.cli import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    spec = str(Path(__file__).parents[2] / "specs" / "digits.yaml")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    command += [
        "--max-restarts",
        "1",
        str(script),
        "build",
        spec,
        "--auto-resume",
        "--device",
        "cpu",
        "--threads",
        "1",
    ]
    command += ["--set", "train.epochs=3", "--json"]
    for attempt in range(3):
        out = tmp_path / f"run-{attempt}"
        done = subprocess.run(
            [*command, "-o", str(out)],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert (
            json.loads((out / "run.json").read_text())["status"] == "done"
        )
        assert len((out / "metrics.jsonl").read_text().splitlines()) == 3
