"""Resume is exact: whatever was stopped, and wherever, the same weights and the same metrics bytes come out."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import small_plan
import torch
from small_plan import FakePlan

from resgraph.errors import RunError, TrainingError, UsageError
from resgraph.train import Options, Silent, build, read_run, resume
from resgraph.train.reporter import Epoch, RunStart
from resgraph.train.run.directory import LOCK
from resgraph.train.signals import StoppedError

DATA = {"set": "synthetic", "samples": 96, "validation": 40, "classes": 10}
PLAIN: dict[str, Any] = {
    "data": DATA,
    "epochs": 3,
    "batch": 16,
    "optimizer": {
        "name": "sgd",
        "lr": 0.05,
        "nesterov": True,
        "weight_decay": 1e-4,
        "no_decay": ["norm"],
    },
    "schedule": {"kind": "one-cycle"},
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "adamw, average, accumulation, clipping": {
        **PLAIN,
        "optimizer": {
            "name": "adamw",
            "lr": 0.01,
            "no_decay": ["norm", "bias"],
        },
        "ema": {"decay": 0.9, "every": 2},
        "accumulate": 2,
        "clip": 1.0,
        "label_smoothing": 0.1,
    },
    "trivialaugment": {**PLAIN, "augment": {"trivialaugment": True}},
    "all augmentations": {
        **PLAIN,
        "augment": {
            "crop": {"kind": "pad", "cells": 1},
            "flip": True,
            "rotate": 5,
            "cutout": 2,
            "erasing": 0.5,
            "repeats": 3,
            "randaugment": {},
            "mixup": 0.2,
            "cutmix": 1.0,
        },
    },
    "plateau, rare evaluations": {
        **PLAIN,
        "epochs": 5,
        "evaluate_every": 2,
        "schedule": {"kind": "plateau", "patience": 1},
        "normalize": "per-pixel",
    },
    "iterations, a warm-up that waits": {
        **PLAIN,
        "epochs": "none",
        "iterations": 15,
        "schedule": {"kind": "steps", "at": [12]},
        "warmup": {"kind": "until", "lr": 0.01, "error": 95, "window": 4},
    },
}
ONE = Options(threads=1)


class SignalAt(Silent):
    """Sends this process a signal after so many looks of the loop."""

    def __init__(self, after: int, number: int = signal.SIGTERM) -> None:
        self.after, self.number = after, number

    def step(self, step: object) -> None:
        self.after -= 1
        if self.after == 0:
            signal.raise_signal(self.number)


def tiny(recipe: dict[str, Any]) -> FakePlan:
    return small_plan.plan(recipe, widths=(4, 8), blocks=1, dropout=0.2)


def result(path: Path) -> tuple[bytes, bytes]:
    return (path / "metrics.jsonl").read_bytes(), (
        path / "weights.safetensors"
    ).read_bytes()


@pytest.fixture(autouse=True)
def _look_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)


Whole = Callable[[str], tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """What a run of a kind gives that nothing stops."""

    @cache
    def run(kind: str) -> tuple[bytes, bytes]:
        path = tmp_path_factory.mktemp("whole")
        build(tiny(KINDS[kind]), out=path, options=ONE)
        return result(path)

    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [1, 6, 8])
def test_a_run_goes_on_bit_for_bit(
    kind: str, after: int, whole: Whole, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    with pytest.raises(StoppedError) as stopped:
        build(
            tiny(KINDS[kind]),
            out=cut,
            options=ONE,
            reporter=SignalAt(after),
        )
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    assert f"resgraph resume {cut}" in str(stopped.value)
    assert read_run(cut).status == "stopped"
    with pytest.raises(StoppedError):
        resume(
            cut, load=small_plan.load, reporter=SignalAt(5, signal.SIGINT)
        )
    resume(cut, load=small_plan.load)
    assert result(cut) == whole(kind)


def test_two_runs_are_the_same_and_another_seed_is_not(
    tmp_path: Path,
) -> None:
    results = []
    for place, seed in enumerate((0, 0, 1)):
        build(
            tiny({**PLAIN, "seed": seed}),
            out=tmp_path / str(place),
            options=ONE,
        )
        results.append(result(tmp_path / str(place)))
    assert results[0] == results[1]
    assert results[0][0] != results[2][0]


def test_saving_often_changes_nothing(whole: Whole, tmp_path: Path) -> None:
    build(
        tiny(PLAIN), out=tmp_path, options=Options(threads=1, save_every=2)
    )
    assert result(tmp_path) == whole("plain")


def stopped_run(path: Path, after: int = 8) -> Path:
    """A plain run that was stopped after so many steps."""
    for name, content in stopped(after).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@cache
def stopped(after: int) -> dict[Path, bytes]:
    """The files of such a run."""
    with TemporaryDirectory() as folder:
        with pytest.raises(StoppedError):
            build(
                tiny(PLAIN),
                out=Path(folder),
                options=ONE,
                reporter=SignalAt(after),
            )
        return {
            path.relative_to(folder): path.read_bytes()
            for path in Path(folder).rglob("*")
            if path.is_file()
        }


def corrupt_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def corrupt_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def corrupt_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def corrupt_html(path: Path) -> None:
    path.write_text("<html>502</html>")


@pytest.mark.parametrize(
    "corrupt",
    [corrupt_zeros, corrupt_short, corrupt_bit, corrupt_html, Path.unlink],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    corrupt: Any, whole: Whole, tmp_path: Path
) -> None:
    cut = stopped_run(tmp_path / "cut")
    newest, before = json.loads(
        (cut / "checkpoints" / "latest.json").read_text()
    )["checkpoints"]
    assert (newest["step"], before["step"]) == (9, 6)
    corrupt(cut / "checkpoints" / newest["file"])
    said: list[str] = []
    first: list[int] = []

    class Listener(Silent):
        def say(self, text: str) -> None:
            said.append(text)

        def start(self, start: RunStart) -> None:
            first.append(start.first_step)

    resume(cut, load=small_plan.load, reporter=Listener())
    assert first == [6]
    assert newest["file"] in said[0]
    assert result(cut) == whole("plain")


def test_a_torn_row_and_rows_after_the_checkpoint_are_cut(
    whole: Whole, tmp_path: Path
) -> None:
    cut = stopped_run(tmp_path / "cut")
    with (cut / "metrics.jsonl").open("a") as file:
        file.write(
            '{"step": 12, "epoch": 2, "lr": 1, "train": {}, "validation": {}}\n{"step": 18, "ep'
        )
    resume(cut, load=small_plan.load)
    assert result(cut) == whole("plain")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("used", [], "map"),
        ("former", "", "list"),
        ("classes", 3, "list"),
        ("spec", None, "text"),
    ],
)
def test_facts_of_another_kind_are_told(
    name: str, value: object, word: str, tmp_path: Path
) -> None:
    cut = stopped_run(tmp_path / "cut")
    facts = {**json.loads((cut / "run.json").read_bytes()), name: value}
    (cut / "run.json").write_text(json.dumps(facts))
    with pytest.raises(
        RunError, match=f"is not what resgraph wrote: `{name}` is no {word}"
    ):
        resume(cut, load=small_plan.load)


def test_a_set_of_other_classes_is_refused(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    facts = json.loads((cut / "run.json").read_bytes())
    facts["classes"][3] = "cat"
    (cut / "run.json").write_text(json.dumps(facts))
    with pytest.raises(
        UsageError,
        match="not of the classes that the run was trained on: only one has cat, class 3",
    ):
        resume(cut, load=small_plan.load)


def test_a_run_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    cut = stopped_run(tmp_path / "cut")
    (cut / LOCK).unlink()
    (cut / LOCK).mkdir()  # what no one can open for writing, root neither
    with pytest.raises(RunError, match="cannot be written"):
        resume(cut, load=small_plan.load)


def test_the_same_command_starts_and_continues(
    whole: Whole, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        build(
            tiny(PLAIN),
            out=tmp_path / "a",
            options=ONE,
            reporter=SignalAt(8),
            auto_resume=True,
            load=small_plan.load,
        )
    build(
        tiny(PLAIN),
        out=tmp_path / "a",
        options=ONE,
        auto_resume=True,
        load=small_plan.load,
    )
    assert result(tmp_path / "a") == whole("plain")


def test_a_run_in_use_is_not_shared(tmp_path: Path) -> None:
    class Intruder(Silent):
        said = ""

        def epoch(self, epoch: Epoch) -> None:
            assert read_run(tmp_path / "a").status == "running"
            with pytest.raises(RunError) as caught:
                resume(tmp_path / "a", load=small_plan.load)
            Intruder.said = str(caught.value)

    build(tiny(PLAIN), out=tmp_path / "a", options=ONE, reporter=Intruder())
    assert "in use by another process" in Intruder.said


def test_a_loss_that_is_not_finite_stops_and_saves_nothing_of_it(
    tmp_path: Path,
) -> None:
    recipe = {
        **PLAIN,
        "optimizer": {"name": "sgd", "lr": 100.0, "momentum": 0.99},
        "schedule": "constant",
        "epochs": 40,
    }
    with pytest.raises(
        TrainingError, match=r"not finite (at|after) step .*"
    ) as caught:
        build(tiny(recipe), out=tmp_path / "a", options=ONE)
    assert "learning rate of 100" in str(caught.value)
    assert read_run(tmp_path / "a").status == "failed"
    for path in (tmp_path / "a" / "checkpoints").glob("*.pt"):
        state = torch.load(path, weights_only=True)
        assert all(
            bool(torch.isfinite(v).all())
            for v in state["net"].values()
            if v.is_floating_point()
        )


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_lack_of_memory_is_told_with_a_way_out(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("resgraph.train.engine.loop.Loop._backward", fail)
    told = r"out of memory on cpu with 16 images a step; try --checkpointing on, `accumulate: 2`"
    with pytest.raises(TrainingError, match=told):
        build(tiny(PLAIN), out=tmp_path / "a", options=ONE)
    assert read_run(tmp_path / "a").status == "failed"


def test_a_bug_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("resgraph.train.engine.loop.Loop._backward", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        build(tiny(PLAIN), out=tmp_path / "a", options=ONE)


def test_the_recipe_can_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no `train:`"):
        build(FakePlan(train=None), out=tmp_path / "a")
