"""Lanes take the columns that one finds by looking at each, and do not look at each."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from resgraph.outputs.figure.layout.lanes import Lanes

STEP = 12.0
HEIGHT = st.integers(0, 20).map(float)
START = st.sampled_from([0.0, 5.5, 11.9999, 24.0, 30.25])
ASKED = st.tuples(HEIGHT, HEIGHT, START).filter(lambda one: one[0] < one[1])


def innermost(
    taken: list[tuple[float, float, float]],
    x: float,
    low: float,
    high: float,
) -> float:
    """By a look at each lane, from the innermost on."""
    for other, bottom, top in sorted(taken):
        if bottom < high and top > low and abs(other - x) < STEP:
            x = other + STEP
    return x


@given(st.lists(ASKED, max_size=60))
def test_a_lane_is_the_innermost_that_is_free(
    asked: list[tuple[float, float, float]],
) -> None:
    lanes = Lanes(STEP, map(float, range(21)))
    taken: list[tuple[float, float, float]] = []
    for low, high, start in asked:
        x = lanes.free(start, low, high)
        assert x == innermost(taken, start, low, high)
        lanes.take(x, low, high)
        taken.append((x, low, high))


class Counted(list[float]):
    """Counts how often one of it is read."""

    read = 0

    def __getitem__(self, place: Any) -> Any:
        self.read += 1
        return super().__getitem__(place)


def test_a_run_of_lanes_is_passed_at_once() -> None:
    lanes = Lanes(STEP, [0.0, 1.0])
    for _ in range(1_000):
        lanes.take(lanes.free(0.0, 0.0, 1.0), 0.0, 1.0)
    assert lanes.columns == [STEP * place for place in range(1_000)]
    lanes.columns = Counted(lanes.columns)
    assert lanes.free(0.0, 0.0, 1.0) == 1_000 * STEP
    # and those by which its first place is found
    assert lanes.columns.read < 20
