"""A recipe's `data:` → a data set that fits the net."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ...language.recipe.data import Cifar, Data, Digits, Folder, Shards, Synthetic
from ...ops.base import Shape
from .sets import DataSet


def load(
    recipe: Data,
    shape: Shape,
    output: Shape,
    path: Path | None = None,
    *,
    counted: bool = False,
    scored: bool = False,
) -> DataSet:
    """Reads the set, from `path` where it is given, and checks it against the net's input and
    output shapes.

    Raises `TrainingError` where set and net do not fit, `MissingError` where the set is not there,
    `UsageError` where it is never read from a path. With `counted`, images that would be made are
    as many, and blank. Where a set is only to be `scored`, its training part need not be there."""
    if path is not None and isinstance(recipe, Digits | Synthetic):
        whence = (
            "come with resgraph"
            if isinstance(recipe, Digits)
            else "are made from a seed"
        )
        raise UsageError(
            f"--data {path}: the images of `{recipe.set}` {whence}, and are not read from a path"
        )
    found = _read(recipe, shape, output, path, counted=counted, scored=scored)
    found.check(shape, output, scored=scored)
    return replace(found, flat=found.shape != shape)


def _read(
    recipe: Data,
    shape: Shape,
    output: Shape,
    path: Path | None,
    *,
    counted: bool,
    scored: bool,
) -> DataSet:
    match recipe:
        case Digits():
            from .digits import load_digits

            return load_digits(recipe)
        case Synthetic():
            from .synthetic import load_synthetic

            return load_synthetic(recipe, shape, output, blank=counted)
    place = (path or Path(recipe.path)).expanduser().absolute()
    match recipe:
        case Cifar():
            from .cifar import load_cifar

            found = load_cifar(recipe, place)
        case Folder():
            from .folder import load_folder

            found = load_folder(recipe, place, shape, scored=scored)
        case Shards():
            from .shards import load_shards

            found = load_shards(recipe, place, shape, output, scored=scored)
    return replace(found, path=place)
