"""How long the runs of a study may take, where few of its nets are tried."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from resgraph.study.times import MOST_MEASURED, _work, run_seconds


def nets(*macs: int, unit: str = "epochs", batch: int = 8) -> Any:
    train = SimpleNamespace(unit=unit, batch=batch)
    return [
        SimpleNamespace(plan=SimpleNamespace(macs=each - 1), train=train)
        for each in macs
    ]


def test_few_nets_are_all_measured() -> None:
    asked: list[int] = []

    def measured(plan: Any) -> float:
        asked.append(plan.macs)
        return 7.0

    assert run_seconds(nets(5, 3, 9), measured) == [7.0, 7.0, 7.0]
    assert asked == [4, 2, 8]
    assert run_seconds(nets(5), measured) == [7.0]


def test_of_many_nets_some_are_measured_and_the_others_scaled() -> None:
    asked: list[int] = []

    def measured(plan: Any) -> float:
        asked.append(plan.macs + 1)
        return 2.0 * (plan.macs + 1)

    macs = [*range(2000, 0, -1)]
    found = run_seconds(nets(*macs), measured)
    assert len(asked) == MOST_MEASURED
    assert {1, 2000} <= {*asked}
    assert found == pytest.approx([2.0 * each for each in macs])
    assert run_seconds(nets(*range(100)), lambda plan: None) == [None] * 100


def test_larger_batches_of_as_many_steps_are_more_work() -> None:
    (small,), (large,) = (
        nets(100, unit="iterations", batch=batch) for batch in (1, 10)
    )
    (epochs,) = nets(100, batch=10)
    assert [*map(_work, (small, large, epochs))] == [100, 1000, 100]
