"""Smaller images first: which epoch has which size, exact over a resume, and refused where a net cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import small_plan
import torch
from msgspec.structs import asdict
from test_resume import PLAIN, SignalAt, result, tiny

import resgraph
from resgraph.errors import UsageError
from resgraph.language.recipe import WrongRecipe, resolve_train
from resgraph.train import Options, build, forecast, resume
from resgraph.train.augment.progressive import (
    relative_work,
    resized,
    size_at,
)
from resgraph.train.signals import StoppedError

SMALL: dict[str, Any] = {
    **PLAIN,
    "epochs": 4,
    "progressive": {"sides": [4, 6], "until": 0.75},
}


def test_sizes_follow_the_epochs() -> None:
    train = resolve_train(
        {
            **PLAIN,
            "epochs": 10,
            "progressive": {"sides": [128, 160, 192], "until": 0.6},
        }
    )
    sizes = [size_at(epoch, train, 7, (224, 224))[0] for epoch in range(10)]
    assert sizes == [128, 128, 160, 160, 192, 192, 224, 224, 224, 224]
    assert size_at(0, train, 7, (224, 448)) == (128, 256)
    counted = resolve_train(
        {
            **PLAIN,
            "iterations": 70,
            "epochs": "none",
            "progressive": asdict(train.progressive),
        }
    )
    assert [
        size_at(epoch, counted, 7, (224, 224))[0] for epoch in range(10)
    ] == sizes
    assert relative_work(train, 7, 10, (224, 224)) == pytest.approx(
        sum(s * s for s in sizes) / 10 / 224**2
    )
    assert size_at(0, resolve_train(PLAIN), 7, (224, 224)) == (224, 224)


def test_a_smaller_image_keeps_its_mean() -> None:
    images = torch.rand(2, 3, 32, 32)
    small = resized(images, (16, 16))
    assert small.shape == (2, 3, 16, 16)
    assert torch.allclose(
        small.mean((2, 3)), images.mean((2, 3)), atol=0.02
    )
    assert resized(images, (32, 32)) is images


def test_the_net_sees_each_size_and_a_resume_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resgraph.train.engine.loop.CHECK_EVERY", 0.0)
    seen: list[tuple[bool, int]] = []
    real = small_plan.Basic.forward

    def watched(self: Any, x: torch.Tensor) -> torch.Tensor:
        if (
            x.device.type != "meta"
            and self.conv1.in_channels == 4
            and self.conv1.out_channels == 4
        ):
            seen.append((self.training, x.shape[2]))
        return real(self, x)

    monkeypatch.setattr(small_plan.Basic, "forward", watched)
    options = Options(threads=1)
    build(tiny(SMALL), out=tmp_path / "whole", options=options)
    assert [side for training, side in seen if training] == [4] * 12 + [
        6
    ] * 6 + [8] * 6
    assert {side for training, side in seen if not training} == {8}
    with pytest.raises(StoppedError):
        build(
            tiny(SMALL),
            out=tmp_path / "cut",
            options=options,
            reporter=SignalAt(9),
        )
    resume(tmp_path / "cut", load=small_plan.load)
    assert result(tmp_path / "cut") == result(tmp_path / "whole")


def test_a_net_of_one_size_is_refused(tmp_path: Path) -> None:
    net = "name: fixed\ninput: 1x8x8\nnet:\n  head: [flatten, fc 10]\n"
    (tmp_path / "fixed.yaml").write_text(
        net + "train: {recipe: digits, progressive: {sides: [4]}}\n"
    )
    plan = resgraph.load(str(tmp_path / "fixed.yaml"))
    with pytest.raises(UsageError, match="fixed does not take 1x4x4"):
        forecast(plan, options=Options(threads=1))
    with pytest.raises(
        UsageError, match="must be smaller than the net's own input, 1x8x8"
    ):
        forecast(
            tiny({**PLAIN, "progressive": {"sides": [4, 8]}}),
            options=Options(threads=1),
        )


def test_sides_rise() -> None:
    with pytest.raises(WrongRecipe, match="the sides must rise"):
        resolve_train({**PLAIN, "progressive": {"sides": [8, 4]}})


def test_a_forecast_counts_the_smaller_images() -> None:
    train = resolve_train("imagenet-progressive")
    assert 0.6 < relative_work(train, 1251, 300, (224, 224)) < 0.72
