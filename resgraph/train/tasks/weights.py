"""The `weights:` of a target → a number for each class, by which the loss weighs it."""

from __future__ import annotations

import torch
from torch import Tensor

from ...language.recipe.target import (
    AnyGoal,
    Labels,
    PixelLabel,
    SingleLabel,
)


def class_weights(
    target: AnyGoal, known: Tensor, classes: int
) -> Tensor | None:
    """(classes,) float32, None where all weigh the same; `known` are the targets of the training
    images, or of enough of them, which `balanced` counts.

    A class of which there is none weighs as much as the rarest of the others."""
    if (
        not isinstance(target, SingleLabel | Labels | PixelLabel)
        or target.weights is None
    ):
        return None
    if target.weights != "balanced":
        return torch.tensor(target.weights)
    if isinstance(target, Labels):
        have = (known > 0.5).sum(0).clamp_min(1)
        return (known <= 0.5).sum(0).clamp_min(1) / have
    count = torch.bincount(
        known[known >= 0].flatten(), minlength=classes
    ).float()
    least = count[count > 0].min() if count.any() else torch.ones(())
    return count.sum() / (int((count > 0).sum()) * count.clamp_min(least))
