"""A step → the learning rate: warm-up first, then the schedule; plateaus and error-bound warm-ups
remember what they saw."""

from __future__ import annotations

import math
from typing import Any

from ...language.recipe import Train
from ...language.recipe.steps import (
    Cosine,
    Hold,
    Linear,
    OneCycle,
    Plateau,
    Ramp,
    Steps,
    UntilError,
)


class Schedule:
    """The learning rate of each optimizer step, in the run's own unit turned to steps."""

    def __init__(self, train: Train, steps_per_epoch: int) -> None:
        self.recipe = train
        self.per_unit = steps_per_epoch if train.unit == "epochs" else 1
        self.steps = max(1, round(train.length * self.per_unit))
        self.base = train.optimizer.lr
        self.warm_until = self._warm_length()  # None: not known yet
        self.drops = 0
        self.best = math.inf
        self.waited = 0

    def lr(self, step: int) -> float:
        """For the step that is about to be made, counted from 0."""
        warmup = self.recipe.warmup
        if warmup and (self.warm_until is None or step < self.warm_until):
            if isinstance(warmup, Hold | UntilError):
                return warmup.lr
            share = (step + 1) / max(1, self._warm_length() or 1)
            return self.base * (warmup.start + (1 - warmup.start) * share)
        return self.base * self._factor(step)

    def _factor(self, step: int) -> float:
        plan = self.recipe.schedule
        if isinstance(plan, Steps):
            return float(
                plan.factor ** sum(step >= round(at * self.per_unit) for at in plan.at)
            )
        if isinstance(plan, Plateau):
            return float(plan.factor**self.drops)
        begun = min(self.warm_until or 0, self.steps - 1)
        share = (step - begun) / max(1, self.steps - begun)
        if isinstance(plan, Cosine):
            return plan.end + (1 - plan.end) * _half_cosine(share)
        if isinstance(plan, Linear):
            return plan.end + (1 - plan.end) * (1 - share)
        if isinstance(plan, OneCycle):
            if share < plan.rise:
                return 1 - (1 - plan.start) * _half_cosine(share / plan.rise)
            return plan.end + (1 - plan.end) * _half_cosine(
                (share - plan.rise) / (1 - plan.rise)
            )
        return 1.0

    def _warm_length(self) -> int | None:
        warmup = self.recipe.warmup
        if isinstance(warmup, UntilError):
            return None
        return (
            max(1, round(warmup.length * self.per_unit))
            if isinstance(warmup, Ramp | Hold)
            else 0
        )

    @property
    def window(self) -> int:
        """Steps between looks at the training error while a warm-up waits for it, else 0."""
        warmup = self.recipe.warmup
        return (
            warmup.window
            if isinstance(warmup, UntilError) and self.warm_until is None
            else 0
        )

    def saw_training(self, step: int, error: float) -> None:
        """Ends a warm-up that waits for `error` percent of the last window."""
        warmup = self.recipe.warmup
        if (
            isinstance(warmup, UntilError)
            and self.warm_until is None
            and error < warmup.error
        ):
            self.warm_until = step

    def saw_validation(self, error: float) -> None:
        """Drops the rate where the error has stopped falling."""
        plan = self.recipe.schedule
        if not isinstance(plan, Plateau):
            return
        if error < self.best:
            self.best, self.waited = error, 0
            return
        self.waited += 1
        if self.waited >= plan.patience:
            self.drops, self.waited = self.drops + 1, 0

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {
            "warm_until": self.warm_until,
            "drops": self.drops,
            "best": self.best,
            "waited": self.waited,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from `state`."""
        self.warm_until, self.drops = state["warm_until"], state["drops"]
        self.best, self.waited = state["best"], state["waited"]


def _half_cosine(share: float) -> float:
    """1 at 0, 0 at 1."""
    return (1 + math.cos(math.pi * min(1.0, share))) / 2
