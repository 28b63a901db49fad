"""A recipe's set that is not on disk → blank images in its place, so that a run can be planned all
the same."""

from __future__ import annotations

from pathlib import Path

import torch

from ...errors import UsageError
from ...language.recipe.data import Cifar, Data, Folder, Shards
from ...ops.base import Shape
from .sets import DataSet, Files, Resident

UNCOUNTED = 1_000_000
"""Images of a set that nobody has counted: more than any batch, and enough that what takes long to
prepare pays."""


def stand_in(recipe: Data, shape: Shape, output: Shape) -> DataSet:
    """A set of the size of the one that is missing, where that is known, and `UNCOUNTED` files
    where it is not."""
    match recipe:
        case Cifar():
            held = recipe.held_out
            train, validation = (
                _blank(count, recipe.shape) for count in (50_000 - held, held or 10_000)
            )
            names = tuple(map(str, range(recipe.classes)))
            flat = recipe.shape != shape
            return DataSet(
                recipe.title,
                train,
                validation,
                names,
                recipe.shape,
                recipe.title,
                flat=flat,
            )
        case Folder() | Shards():
            files = Files(
                (Path(),) * UNCOUNTED, torch.zeros(UNCOUNTED, dtype=torch.int64), Path()
            )
            names = tuple(map(str, range(output[0])))
            resize = recipe.resize or round(min(shape[1:], default=0) * 8 / 7)
            return DataSet(
                recipe.set, files, files, names, shape, recipe.path, resize=resize
            )
        case _:
            raise UsageError(f"the images of `{recipe.set}` are never missing")


def _blank(count: int, shape: Shape) -> Resident:
    """Images that take no memory."""
    images = torch.zeros(1, *shape, dtype=torch.uint8).expand(count, *shape)
    return Resident(images, torch.zeros(count, dtype=torch.int64))
