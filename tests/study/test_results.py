"""Numbers of known nets: what a table says of them is what statistics says."""

from __future__ import annotations

import random
from statistics import mean, stdev

import pytest

pytest.importorskip("scipy")

from resgraph.study.results import difference, mean_sd, measured
from resgraph.study.schema import parse_measure

STUDIES = 400


def paired(
    generator: random.Random, seeds: int, effect: float
) -> list[float]:
    """Differences of two nets over paired seeds: a seed's luck is common, and cancels."""
    luck = [generator.gauss(0, 3) for _ in range(seeds)]
    base = [10 + one + generator.gauss(0, 1) for one in luck]
    return [
        10 + effect + one + generator.gauss(0, 1) - other
        for one, other in zip(luck, base, strict=True)
    ]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_false_positives_are_as_many_as_stated(seeds: int) -> None:
    """400 studies of equal nets: 5 % of the intervals leave out 0, within three deviations of
    what chance gives (1.1 points each)."""
    generator = random.Random(seeds)
    found = [
        difference(paired(generator, seeds, 0.0)) for _ in range(STUDIES)
    ]
    share = sum(one.clear for one in found if one) / STUDIES
    assert abs(share - 0.05) < 3 * (0.05 * 0.95 / STUDIES) ** 0.5


def test_an_interval_holds_a_known_effect() -> None:
    generator = random.Random(0)
    found = [difference(paired(generator, 5, -2.0)) for _ in range(STUDIES)]
    held = sum(
        one.interval[0] <= -2.0 <= one.interval[1]
        for one in found
        if one and one.interval
    )
    assert abs(held / STUDIES - 0.95) < 3 * (0.05 * 0.95 / STUDIES) ** 0.5
    # and it is found
    assert sum(one.clear for one in found if one) > STUDIES / 2


def test_why_the_interval_is_no_bootstrap() -> None:
    """Of five seeds the percentile bootstrap's 95 % holds the truth far less often."""
    import numpy as np
    from scipy.stats import bootstrap

    generator, held = random.Random(0), 0
    for place in range(200):
        pairs = np.array(paired(generator, 5, 0.0))
        found = bootstrap(
            (pairs,), np.mean, method="percentile", n_resamples=500,
            rng=np.random.default_rng(place),
        ).confidence_interval  # fmt: skip
        held += found.low <= 0 <= found.high
    assert held / 200 < 0.9


def test_mean_and_deviation() -> None:
    values = [3.0, 4.5, 5.0]
    assert mean_sd(values) == pytest.approx((mean(values), stdev(values)))
    assert mean_sd([2.0]) == (2.0, None)


def test_seeds_that_leave_no_interval() -> None:
    one = difference([1.0])
    assert one is not None
    assert (one.mean, one.interval, one.clear) == (1.0, None, False)
    same = difference([0.0, 0.0, 0.0])
    assert same is not None
    assert (same.interval, same.clear) == ((0.0, 0.0), False)
    assert difference([]) is None


def test_what_is_measured_is_said_before() -> None:
    rows = [
        {"validation": {"error": e, "loss": 1.0}, "train": {"error": 1.0}}
        for e in (9.0, 2.0, 4.0)
    ]
    said = {
        "validation error": 4.0,
        "validation error at its best": 2.0,
        "validation error over the last 2 evaluations": 3.0,
        "training error": 1.0,
    }
    for text, value in said.items():
        assert measured(rows, parse_measure(text)) == value
