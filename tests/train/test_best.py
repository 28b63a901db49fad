"""`keep: best` and `patience`: the best weights beside the last ones, and a run that ends early."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from starting import plan, trained

import resgraph
from resgraph.train import Options, Silent, build, evaluate_weights, resume
from resgraph.train.reporter import Epoch
from resgraph.train.run.result import RunResult
from resgraph.train.signals import StoppedError


def rows(run: Path) -> list[dict[str, dict[str, float]]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def net(tmp_path: Path) -> resgraph.Plan:
    """One that learns, and then loses it at a rate that is far too high."""
    lines = (
        "keep: best",
        "clip: 1.0",
        "normalize: {mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3]}",
        "warmup: {kind: hold, lr: 0.05, length: 1}",
    )
    plan(tmp_path / "net.yaml", *lines)
    return resgraph.load(
        tmp_path / "net.yaml",
        [
            "train.epochs=5",
            "train.warmup.length=3",
            "train.optimizer.lr=20",
        ],
    )


class Stopper(Silent):
    """Asks its own process to stop, after the first evaluation."""

    def epoch(self, epoch: Epoch) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_best_weights_score_the_lowest_error(
    tmp_path: Path, net: resgraph.Plan
) -> None:
    result = trained(net, tmp_path / "run")
    errors = [row["validation"]["error"] for row in rows(tmp_path / "run")]
    assert min(errors) < errors[-1]  # else the last would do
    best, last = (
        tmp_path / "run" / f"{name}.safetensors"
        for name in ("best", "weights")
    )
    options = Options(threads=1)
    assert evaluate_weights(net, str(best), options=options).error == min(
        errors
    )
    assert (
        evaluate_weights(net, str(last), options=options).error
        == errors[-1]
    )
    assert result.files["best"] == best
    assert "best.safetensors" in result.summary()


def test_a_resume_keeps_the_same_best(
    tmp_path: Path, net: resgraph.Plan
) -> None:
    trained(net, tmp_path / "whole")
    with pytest.raises(StoppedError):
        build(
            net,
            out=tmp_path / "cut",
            options=Options(threads=1),
            reporter=Stopper(),
        )
    resume(tmp_path / "cut", options=Options(threads=1))
    one, other = (
        tmp_path / run / "best.safetensors" for run in ("whole", "cut")
    )
    assert one.read_bytes() == other.read_bytes()


def still(tmp_path: Path, *lines: str) -> RunResult:
    """A run whose error stays as it is."""
    plan(tmp_path / "net.yaml", *lines)
    settings = [
        "train.epochs=9",
        "train.optimizer={name: sgd, lr: 1e-12, momentum: 0}",
    ]
    frozen = "train.freeze=[conv1, conv2, conv3]"
    return trained(
        resgraph.load(tmp_path / "net.yaml", [*settings, frozen]),
        tmp_path / "run",
    )


def test_a_run_without_progress_ends_after_its_patience(
    tmp_path: Path,
) -> None:
    result = still(tmp_path, "patience: 3")
    # the first evaluation is progress, three are not
    assert result.epochs == 4
    assert (
        json.loads((tmp_path / "run" / "run.json").read_text())["status"]
        == "done"
    )
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    assert resume(tmp_path / "run", options=Options(threads=1)).epochs == 4
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


def test_without_patience_it_runs_to_its_end(tmp_path: Path) -> None:
    result = still(tmp_path)
    assert result.epochs == 9
    assert not (tmp_path / "run" / "best.safetensors").exists()


def test_what_ends_by_the_clock_goes_on_as_if_it_had_not(
    tmp_path: Path, net: resgraph.Plan
) -> None:
    """The evaluation at the end of its minutes, in the middle of an epoch, counts nowhere."""
    trained(net, tmp_path / "whole")
    cut = trained(net, tmp_path / "cut", minutes=1e-9)
    assert cut.steps == 1 and cut.files["best"].is_file()
    (row,) = rows(tmp_path / "cut")
    assert row["validation"]["error"] == 100 - cut.accuracy
    resume(tmp_path / "cut", options=Options(threads=1))
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    for name in ("best", "weights"):
        one, other = (
            tmp_path / run / f"{name}.safetensors"
            for run in ("whole", "cut")
        )
        assert one.read_bytes() == other.read_bytes()


def test_patience_counts_no_evaluation_more(tmp_path: Path) -> None:
    still(tmp_path, "patience: 3")
    net = resgraph.load(tmp_path / "run" / "spec.yaml")
    trained(net, tmp_path / "cut", minutes=1e-9)
    assert resume(tmp_path / "cut", options=Options(threads=1)).epochs == 4
