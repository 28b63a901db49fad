"""A space too large for a grid → trials that Optuna proposes, each over all seeds of the study.

The sampler is seeded anew for every trial, so a proposal follows from the study and from what came
out before. A search that was stopped begins again, proposes the same, and finds those runs done:
their directories are its only memory, and nothing can disagree with them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import (
    filterfalse,
    pairwise,
)
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..collecting import each_value
from ..errors import SpecError, TrainingError, needing
from ..train import Options
from .execute import Execute, is_done, placed
from .folder import PlacedRun, StudyFolder
from .plan import PlannedNet, condition, drawn_point, job, space_of
from .results import score_of
from .schema import Search, Study
from .space import Choices, Condition

if TYPE_CHECKING:
    import optuna


class _NoMean(Exception):
    """Why a trial has none."""

    def __init__(self, why: str, *, pruned: bool = False) -> None:
        super().__init__(why)
        self.pruned = pruned


STARTUP_TRIALS = 4
"""Whole trials before one may be pruned."""
Say = Callable[[str], None]


def search(
    study: Study,
    folder: StudyFolder,
    options: Options,
    make: Execute,
    say: Say,
) -> tuple[list[PlannedNet], list[PlacedRun]]:
    """The nets of the trials that came to their end, and their runs.

    Raises `MissingError` without Optuna, and `SpecError` where the space is wrong."""
    space = study.file.search
    assert space is not None
    holds = condition(study, space)
    over = each_value(_distribution, study.choices)
    history = _history()
    nets: list[PlannedNet] = []
    runs: list[PlacedRun] = []
    for number in range(space.trials):
        history.sampler = _sampler(space, number)
        trial = history.ask(over)
        try:
            net = _net_of(study, trial, holds)
            jobs = [job(study, net, seed) for seed in study.seeds]
            made = placed(folder, jobs, options)
            folder.note(study, [*nets, net], [*runs, *made])
            mean = _mean(study, trial, made, make, prune=space.prune)
        except _NoMean as why:
            told = str(why)
            history.tell(trial, state=_state(why))
        else:
            told = f"{study.measure.name} {mean:.3f}"
            history.tell(trial, mean)
            nets.append(net)
            runs += made
        say(f"[{number + 1}/{space.trials}] {told}: {_text(trial.params)}")
    folder.note(study, nets, runs)
    if not nets:
        raise TrainingError("no trial of the search came to its end")
    return nets, runs


def _net_of(
    study: Study, trial: optuna.Trial, holds: Condition
) -> PlannedNet:
    """Raises `_NoMean` where a trial has no net, or none that the space asks for."""
    name = f"trial-{trial.number}"
    point = drawn_point(study, space_of(study), trial.params, name)
    if isinstance(point, SpecError):
        raise _NoMean(f"no net, {point.diagnostics[0].message}")
    if not holds(point.facts):
        raise _NoMean("not what `where` asks for")
    return point


def _mean(
    study: Study,
    trial: optuna.Trial,
    made: Sequence[PlacedRun],
    make: Execute,
    *,
    prune: bool,
) -> float:
    """Over the seeds. To prune, seeds are run one after another. Raises `_NoMean`."""
    steps = [[run] for run in made] if prune else [[*made]]
    scores: list[float] = []
    for step, together in enumerate(steps):
        left = [*filterfalse(is_done, together)]
        for outcome in make(left):
            if outcome.status != "done":
                raise _NoMean(f"failed, {outcome.text}")
        scores += [score_of(run, study.measure) for run in together]
        trial.report(fmean(scores), step)
        if step + 1 < len(steps) and trial.should_prune():
            why = f"pruned after {len(scores)} of {len(made)} seeds"
            raise _NoMean(why, pruned=True)
    return fmean(scores)


def _history() -> optuna.Study:
    with needing("a search needs Optuna", "search"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS)
    return optuna.create_study(pruner=pruner)


def _sampler(space: Search, number: int) -> Any:
    """A new one, with a seed of its own."""
    from optuna import samplers

    seed = random.Random(f"{space.seed} {number}").randrange(2**32)
    known = {"tpe": samplers.TPESampler, "random": samplers.RandomSampler}
    return known[space.sampler](seed=seed)


def _distribution(choice: Choices) -> Any:
    """The values of a path, as Optuna names them."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    values = choice.values
    if not values:
        return FloatDistribution(choice.low, choice.high, log=choice.log)
    whole = [value for value in values if type(value) is int]
    steps = {after - before for before, after in pairwise(whole)}
    if len(whole) == len(values) > 1 and len(steps) == 1 and min(steps) > 0:
        return IntDistribution(whole[0], whole[-1], step=min(steps))
    return CategoricalDistribution(values)


def _state(ended: _NoMean) -> Any:
    from optuna.trial import TrialState

    return TrialState.PRUNED if ended.pruned else TrialState.FAIL


def _text(params: dict[str, Any]) -> str:
    return ", ".join(f"{path}={value}" for path, value in params.items())
