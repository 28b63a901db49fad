"""The `target:` of a recipe → the loss of one output against it, and its score.

A task is asked with an output (n, …) and its target. A target that could not be read, and what no
one labelled, is -100 where it is a class and NaN where it is a number: neither counts anywhere."""

from __future__ import annotations

from torch import Tensor

from ...language.recipe.target import (
    AnyGoal,
    Itself,
    Labels,
    PixelLabel,
    SingleLabel,
)
from .base import Details, Task
from .classes import Classes, Multilabel, PixelClasses
from .numbers import Numbers, Units

__all__ = ["Details", "Task", "Units", "task_of"]


def task_of(
    target: AnyGoal,
    classes: int,
    smoothing: float = 0.0,
    weights: Tensor | None = None,
    units: Units | None = None,
) -> Task:
    """The task of a net whose output has so many `classes`, or numbers of such `units`.

    `smoothing` and `weights`, one for each class, hold for the loss of training alone: an
    evaluation takes neither."""
    if isinstance(target, SingleLabel):
        binary, least = target.loss == "bce", target.threshold
        return Classes(classes, smoothing, weights, binary, least)
    if isinstance(target, PixelLabel):
        return PixelClasses(classes, smoothing, weights)
    if isinstance(target, Labels):
        return Multilabel(classes, smoothing, weights)
    if isinstance(target, Itself):
        return Numbers(1, target.loss, whole=True)
    return Numbers(classes, target.loss, units=units)
