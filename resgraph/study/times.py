"""The nets of a study → how long a run of each may take, of which few are measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..plan import Plan
from .plan import PlannedNet

MOST_MEASURED = 24
"""Nets that are tried: each takes a second or more."""


def run_seconds(
    nets: Sequence[PlannedNet], measured: Callable[[Plan], float | None]
) -> list[float | None]:
    """The seconds of a run of each net; of many nets, those that are measured are spread over the
    work that they do, and each of the others is as fast as the next of them."""
    work = [*map(_work, nets)]
    order = sorted(range(len(nets)), key=work.__getitem__)
    gaps = max(1, min(len(nets), MOST_MEASURED) - 1)
    tried = {order[n * (len(nets) - 1) // gaps] for n in range(gaps + 1)}
    known = {place: measured(nets[place].plan) for place in sorted(tried)}

    def scaled(mine: int) -> float | None:
        near = min(tried, key=lambda place: abs(work[place] - mine))
        took = known[near]
        return None if took is None else took * mine / work[near]

    return [
        known[place] if place in known else scaled(mine)
        for place, mine in enumerate(work)
    ]


def _work(net: PlannedNet) -> int:
    """The multiply-adds of a run, as far as nets of one study differ in them: they have one data
    set, and the same number of epochs or of steps."""
    images = net.train.batch if net.train.unit == "iterations" else 1
    return (net.plan.macs + 1) * images
