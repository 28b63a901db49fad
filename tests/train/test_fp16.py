"""fp16 with a scaled loss: it learns, skips steps that overflow, and resumes bit for bit with its scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import small_plan
import torch
from test_resume import PLAIN, SignalAt, result, tiny

from resgraph.train import Options, build, resume
from resgraph.train.run.checkpoint import Checkpoints
from resgraph.train.signals import StoppedError

HALF = Options(threads=1, precision="fp16")


def saved(path: Path) -> dict[str, Any]:
    spec = Checkpoints(path / "checkpoints", "").entries()[0]["spec"]
    state = Checkpoints(path / "checkpoints", spec).load(print)
    assert state is not None
    return state


def test_a_run_in_fp16_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)
    recipe = {**PLAIN, "clip": 1.0}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    build(tiny(recipe), out=whole, options=HALF)
    with pytest.raises(StoppedError):
        build(tiny(recipe), out=cut, options=HALF, reporter=SignalAt(7))
    resume(cut, load=small_plan.load)
    assert result(cut) == result(whole)
    assert saved(whole)["scaler"] == saved(cut)["scaler"]
    assert 0 < saved(whole)["scaler"]["_growth_tracker"] <= 18


def test_steps_that_overflow_are_skipped_with_a_smaller_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = torch.amp.GradScaler
    monkeypatch.setattr(
        torch.amp,
        "GradScaler",
        lambda kind, enabled: real(
            kind, init_scale=2.0**40, enabled=enabled
        ),
    )
    build(
        tiny({**PLAIN, "augment": {}}), out=tmp_path / "run", options=HALF
    )
    state = saved(tmp_path / "run")
    assert state["scaler"]["scale"] < 2.0**40
    assert all(
        torch.isfinite(value).all()
        for value in state["net"].values()
        if value.is_floating_point()
    )


def test_other_precisions_scale_nothing(tmp_path: Path) -> None:
    build(tiny(PLAIN), out=tmp_path / "run", options=Options(threads=1))
    assert saved(tmp_path / "run")["scaler"] == {}
