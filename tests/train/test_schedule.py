"""Learning rates, step by step, against the papers' words and torch's own schedulers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from resgraph.language.recipe import resolve_train
from resgraph.train.engine.schedule import LearningRates


def made(steps_per_epoch: int = 10, **keys: Any) -> LearningRates:
    base = {
        "data": "digits",
        "batch": 1,
        "optimizer": {"name": "sgd", "lr": 0.1},
    }
    return LearningRates(resolve_train({**base, **keys}), steps_per_epoch)


def test_steps_count_what_the_run_counts() -> None:
    by_step = LearningRates(resolve_train("cifar"), 390)
    assert by_step.steps == 64_000
    wanted = {
        0: 0.1,
        31_999: 0.1,
        32_000: 0.01,
        47_999: 0.01,
        48_000: 0.001,
        63_999: 0.001,
    }
    assert {step: by_step.lr(step) for step in wanted} == pytest.approx(
        wanted
    )
    by_epoch = LearningRates(resolve_train("imagenet-90"), 5004)
    assert by_epoch.steps == 90 * 5004
    assert by_epoch.lr(30 * 5004 - 1) == pytest.approx(0.1)
    assert by_epoch.lr(30 * 5004) == pytest.approx(0.01)


def test_cosine_is_torchs() -> None:
    schedule = made(epochs=4, schedule={"kind": "cosine"})
    optimizer = torch.optim.SGD(
        [torch.zeros(1, requires_grad=True)], lr=0.1
    )
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    for step in range(40):
        assert schedule.lr(step) == pytest.approx(
            optimizer.param_groups[0]["lr"], abs=1e-9
        )
        optimizer.step()
        theirs.step()


def test_one_cycle_rises_and_falls() -> None:
    schedule = made(
        epochs=10, schedule={"kind": "one-cycle", "rise": 0.3, "start": 0.1}
    )
    rates = [schedule.lr(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == rates[30] == pytest.approx(0.1)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] < 0.0001


def test_a_ramp_comes_before_the_schedule() -> None:
    schedule = made(
        epochs=4, schedule="linear", warmup={"kind": "linear", "length": 1}
    )
    assert [schedule.lr(step) for step in (0, 4, 9)] == pytest.approx(
        [0.01, 0.05, 0.1]
    )
    assert [schedule.lr(step) for step in (10, 25, 39)] == pytest.approx(
        [0.1, 0.05, 0.1 / 30]
    )


def test_a_hold_lasts_as_long_as_it_says() -> None:
    schedule = LearningRates(resolve_train("cifar-preact"), 390)
    assert [schedule.lr(step) for step in (0, 399, 400)] == pytest.approx(
        [0.01, 0.01, 0.1]
    )


def test_the_warm_up_of_resnet_110_waits_for_the_error() -> None:
    schedule = LearningRates(resolve_train("cifar-deep"), 390)
    assert schedule.window == 100
    schedule.saw_training(300, 80.0)
    assert schedule.lr(300) == 0.01
    schedule.saw_training(400, 79.9)
    assert (schedule.lr(400), schedule.window) == (pytest.approx(0.1), 0)
    other = LearningRates(resolve_train("cifar-deep"), 390)
    other.load(schedule.state())
    assert other.lr(401) == pytest.approx(0.1)
    assert other.lr(32_000) == pytest.approx(0.01)


def test_a_plateau_divides_and_is_remembered() -> None:
    schedule = made(epochs=40, schedule={"kind": "plateau", "patience": 2})
    for error in (50, 40, 41, 40):
        schedule.saw_validation(error)
    assert schedule.lr(99) == pytest.approx(0.01)
    other = made(epochs=40, schedule={"kind": "plateau", "patience": 2})
    other.load(schedule.state())
    for error in (39, 39.5, 39.5):
        other.saw_validation(error)
    assert other.lr(99) == pytest.approx(0.001)
