"""A step → the learning rate: warm-up first, then the schedule; plateaus and error-bound warm-ups
keep state."""

from __future__ import annotations

import math
from typing import Any

from ...language.recipe import Train
from ...language.recipe.steps import Moment, Plateau, UntilError


class LearningRates:
    """The learning rate of each optimizer step, in the run's own unit turned to steps."""

    def __init__(self, train: Train, steps_per_epoch: int) -> None:
        self.recipe = train
        self.per_unit = steps_per_epoch if train.unit == "epochs" else 1
        self.steps = max(1, round(train.length * self.per_unit))
        length = train.warmup.length if train.warmup else 0.0
        self.warmup_steps = max(1, round((length or 0.0) * self.per_unit))
        self.warm_until: int | None = self.warmup_steps if length else 0
        if length is None:
            self.warm_until = None  # not known yet
        self.drops = 0
        self.best = math.inf
        self.waited = 0
        self.lowest = math.inf
        self.stale = 0

    def lr(self, step: int) -> float:
        """For the step that is about to be made, counted from 0."""
        return self._of_run(self.steps, step)

    def until(self, step: int, length: float) -> float:
        """The same for a part of the net that learns only so long, as if the run ended there."""
        end = min(self.steps, max(1, round(length * self.per_unit)))
        return self._of_run(end, step) if step < end else 0.0

    def _of_run(self, steps: int, step: int) -> float:
        """The rate of a step in a run of so many."""
        warmup, base = self.recipe.warmup, self.recipe.optimizer.lr
        if warmup and (self.warm_until is None or step < self.warm_until):
            return warmup.rate(base, (step + 1) / self.warmup_steps)
        begun = min(self.warm_until or 0, steps - 1)
        share = (step - begun) / max(1, steps - begun)
        now = Moment(step, self.per_unit, share, self.drops)
        return base * self.recipe.schedule.scale(now)

    @property
    def _awaited(self) -> UntilError | None:
        """The warm-up that waits for an error."""
        warmup = self.recipe.warmup
        if isinstance(warmup, UntilError) and self.warm_until is None:
            return warmup
        return None

    @property
    def window(self) -> int:
        """Steps between readings of the training error while a warm-up waits for it, else 0."""
        return self._awaited.window if self._awaited else 0

    def saw_training(self, step: int, error: float) -> None:
        """Ends a warm-up that waits for `error` percent of the last window."""
        if self._awaited and error < self._awaited.error:
            self.warm_until = step

    def saw_validation(self, error: float) -> None:
        """Drops the rate where the error has stopped falling."""
        self.stale = 0 if error < self.lowest else self.stale + 1
        self.lowest = min(error, self.lowest)
        plan = self.recipe.schedule
        if not isinstance(plan, Plateau):
            return
        if error < self.best:
            self.best, self.waited = error, 0
            return
        self.waited += 1
        if self.waited >= plan.patience:
            self.drops, self.waited = self.drops + 1, 0

    @property
    def improved(self) -> bool:
        """Whether the last evaluation was the best one."""
        return self.stale == 0

    @property
    def given_up(self) -> bool:
        """Whether the error has not fallen for as long as the recipe has patience."""
        patience = self.recipe.patience
        return patience is not None and self.stale >= patience

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {
            "warm_until": self.warm_until,
            "drops": self.drops,
            "best": self.best,
            "waited": self.waited,
            "lowest": self.lowest,
            "stale": self.stale,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Resumes from `state`."""
        self.warm_until, self.drops = state["warm_until"], state["drops"]
        self.best, self.waited = state["best"], state["waited"]
        # older runs have none
        self.lowest, self.stale = (
            state.get("lowest", math.inf),
            state.get("stale", 0),
        )
