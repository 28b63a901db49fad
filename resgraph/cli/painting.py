"""What `--paint` says → the numbers of each net: known without a run, measured, or from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..outputs.heat import STATIC, Heat
from ..outputs.heat_csv import KNOWN, read_heat
from ..plan import Plan

MEASURED = ("time", "forward", "backward", "gradient", "activation")
"""What is measured in a training step."""


def heats(plans: Sequence[Plan], said: Sequence[str]) -> tuple[Heat, ...]:
    """For each net the numbers that it is painted with. One word is for all nets; of files each net
    has its own."""
    if not said:
        return ()
    if len(said) not in (1, len(plans)):
        raise UsageError(
            "`--paint` is given once, or once for each net:"
            f" there are {len(said)} of it for {len(plans)}"
        )
    words = list(said) * len(plans) if len(said) == 1 else list(said)
    found = tuple(map(_heat, plans, words))
    kinds = list(dict.fromkeys((heat.name, heat.unit) for heat in found))
    if len(kinds) > 1:
        raise UsageError(
            f"one figure has one scale: `{kinds[0][0]}` and `{kinds[1][0]}` are not one quantity"
        )
    return found


def _heat(plan: Plan, word: str) -> Heat:
    if word in STATIC:
        return STATIC[word](plan.graph)
    file, _, column = word.partition(".csv:")
    if word.endswith(".csv") or column:
        path = Path(f"{file}.csv" if column else word)
        return read_heat(path, column, plan.graph)
    run, _, kind = word.rpartition(":")
    if kind in MEASURED:
        return _measured(plan, Path(run) if run else None, kind)
    words = ", ".join([*STATIC, *MEASURED])
    raise UsageError(
        f"cannot paint `{word}`: give {words}, a file as NUMBERS.csv, or RUN:gradient"
    )


def _measured(plan: Plan, run: Path | None, kind: str) -> Heat:
    from .. import train

    if run is not None and not run.is_dir():
        raise UsageError(
            f"there is no run `{run}`: `resgraph runs` lists those that are"
        )
    found = train.profile(run or plan)
    if found.nodes.keys() != plan.graph.nodes.keys() - set(
        plan.graph.inputs
    ):
        raise UsageError(f"{run} is a run of another net: {found.name}")
    return Heat(kind, found.values(kind), *KNOWN[kind], found.about)
