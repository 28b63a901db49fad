"""TensorBoard's events: what metrics.jsonl says, once, also after a stop in between."""

from __future__ import annotations

import builtins
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import small_plan
from test_resume import PLAIN, SignalAt, tiny

from resgraph.errors import MissingError
from resgraph.train import Options, build, resume
from resgraph.train.signals import StoppedError

WATCHED = Options(threads=1, tensorboard=True)


def events(run: Path) -> dict[str, list[tuple[int, float]]]:
    pytest.importorskip(
        "tensorboard", reason="the extra `tensorboard` is not installed"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import (
            EventAccumulator,
        )

        read = EventAccumulator(str(run / "tensorboard"))
        read.Reload()
        return {
            tag: [(e.step, e.value) for e in read.Scalars(tag)]
            for tag in read.Tags()["scalars"]
        }


def test_events_say_what_the_metrics_say_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(
        "tensorboard", reason="the extra `tensorboard` is not installed"
    )
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)
    with pytest.raises(StoppedError):
        build(
            tiny(PLAIN),
            out=tmp_path / "run",
            options=WATCHED,
            reporter=SignalAt(13),
        )
    assert len(events(tmp_path / "run")["loss/train"]) == 2
    resume(tmp_path / "run", load=small_plan.load, options=WATCHED)
    rows = [
        json.loads(line)
        for line in (tmp_path / "run" / "metrics.jsonl")
        .read_text()
        .splitlines()
    ]
    found = events(tmp_path / "run")
    for part in ("train", "validation"):
        for what in ("loss", "error"):
            told = found[f"{what}/{part}"]
            assert (
                [step for step, _ in told]
                == [row["step"] for row in rows]
                == [6, 12, 18]
            )
            assert [value for _, value in told] == pytest.approx(
                [row[part][what] for row in rows]
            )
    assert [value for _, value in found["lr"]] == pytest.approx(
        [row["lr"] for row in rows]
    )
    assert len(found["images_per_second"]) == 3


def test_a_run_is_the_same_with_events(tmp_path: Path) -> None:
    pytest.importorskip(
        "tensorboard", reason="the extra `tensorboard` is not installed"
    )
    build(tiny(PLAIN), out=tmp_path / "a", options=WATCHED)
    build(tiny(PLAIN), out=tmp_path / "b", options=Options(threads=1))
    assert (tmp_path / "a" / "weights.safetensors").read_bytes() == (
        tmp_path / "b" / "weights.safetensors"
    ).read_bytes()
    assert not (tmp_path / "b" / "tensorboard").exists()


def test_what_is_not_installed_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        MissingError, match=r"pip install 'resgraph\[tensorboard\]'"
    ):
        build(tiny(PLAIN), out=tmp_path / "run", options=WATCHED)
    assert not (tmp_path / "run").exists()
