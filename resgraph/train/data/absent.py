"""A recipe's set that is not on disk → blank images in its place, so that a run can be planned all
the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from ...language.recipe import Train
from ...ops.base import Shape
from ...passes.data_fit import image_input
from .sets import DataSet, Files, Resident, blank, side_before_crop

UNCOUNTED = 1_000_000
"""Images of a set that nobody has counted: more than any batch, and enough that what takes long to
prepare pays."""


def placeholder(
    asked: Train, inputs: Mapping[str, Shape], output: Shape
) -> DataSet:
    """A set of the size of the one that is missing, where that is known, and `UNCOUNTED` files
    where it is not."""
    recipe, lead = asked.data, image_input(inputs)
    shape = inputs[lead]
    own, counts = recipe.shape or shape, recipe.counts(output[0])
    train: Resident | Files
    validation: Resident | Files
    if recipe.shape and counts:
        train, validation = (
            Resident(
                blank(count, own), torch.zeros(count, dtype=torch.int64)
            )
            for count in counts
        )
    else:
        labels = torch.zeros(UNCOUNTED, dtype=torch.int64)
        train = validation = Files((Path(),) * UNCOUNTED, labels, Path())
    return DataSet(
        recipe.title,
        train,
        validation,
        tuple(map(str, range(recipe.class_count or output[0]))),
        own,
        recipe.title,
        resize=side_before_crop(getattr(recipe, "resize", None), shape),
        flat=own != shape,
        target=asked.target,
    )
