"""A tree with one folder per class → a data set of files, found without opening one."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from ...errors import MissingError, TrainingError
from ...language.recipe_data import Folder
from ...ops.base import Shape, shape_text
from .sets import DataSet, Files

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})


def load_folder(recipe: Folder, path: Path, shape: Shape) -> DataSet:
    """Classes are the sorted names of the folders in `path/train`; `path/val` must have the same.

    Raises `MissingError` where the tree is not there, `TrainingError` where a class is empty or the parts do
    not agree.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise TrainingError(f"images have 1 or 3 channels, but the net reads {shape_text(shape)}")
    train, validation = path / recipe.train, path / recipe.validation
    for part in (train, validation):
        if not part.is_dir():
            raise MissingError(
                f"{part} is not there: images are looked for as {path}/{recipe.train}/<class>/*.jpg and "
                f"{path}/{recipe.validation}/<class>/*.jpg; say where they are with --data or `train.data.path`"
            )
    classes, watched = _classes(train), _classes(validation)
    if not classes:
        raise TrainingError(f"{train} has no folders: images are looked for as {train}/<class>/*.jpg")
    if classes != watched:
        odd = sorted(set(classes) ^ set(watched))
        more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        raise TrainingError(
            f"{train} and {validation} have different classes: only one has {', '.join(odd[:5])}{more}; "
            "each class is a folder in both"
        )
    return DataSet(
        name=path.name,
        train=_files(train, classes),
        validation=_files(validation, classes),
        classes=classes,
        shape=shape,
        about=f"images in {path}",
        watched="validation",
        resize=recipe.resize or round(min(shape[1:]) * 8 / 7),
    )


def _classes(part: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in os.scandir(part) if entry.is_dir() and entry.name[0] != "."))
    except OSError as error:
        raise TrainingError(f"{part} cannot be read: {error.strerror}") from error


def _files(part: Path, classes: tuple[str, ...]) -> Files:
    paths, labels = [], []
    for label, name in enumerate(classes):
        try:
            found = sorted(e.path for e in os.scandir(part / name) if Path(e.name).suffix.lower() in ENDINGS)
        except OSError as error:
            raise TrainingError(f"{part / name} cannot be read: {error.strerror}") from error
        if not found:
            raise TrainingError(f"{part / name} has no image; the endings of images are {', '.join(sorted(ENDINGS))}")
        paths += [Path(file) for file in found]
        labels += [label] * len(found)
    return Files(tuple(paths), torch.tensor(labels, dtype=torch.int64))
