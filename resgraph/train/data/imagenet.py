"""ImageNet (ILSVRC 2012) as it is downloaded → a data set of files: a folder per class to train on,
and 50,000 images in one folder to validate on, whose classes stand in a file of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import torch

from ...errors import MissingError, TrainingError
from ...files import read_file, reason
from ...language.recipe.data import ImageNet
from .folder import ClassFolders, common_classes
from .formats.decoder import ENDINGS
from .formats.mat import read_structs
from .sets import ClassNames, DataSet, Files, Request, nothing

PLACES = ("", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC")
"""Where the parts stand below the path: torchvision's way, Kaggle's archive, its `ILSVRC`."""
TRUTHS = (
    "LOC_val_solution.csv",
    "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt",
    "ILSVRC2012_validation_ground_truth.txt",
    "val.txt",
)
"""Files of the classes of the validation images: Kaggle's, the devkit's, Caffe's."""


def load(recipe: ImageNet, request: Request) -> DataSet:
    """Classes are the sorted names of the training folders (WordNet's ids).

    Raises `MissingError` where a part or the classes of the flat one are not there, `TrainingError`
    where they do not agree."""
    root = _root(request.path, recipe)
    train = root / recipe.train
    flat = ClassFolders(root / recipe.validation)
    first = ClassFolders(
        train if train.is_dir() or not request.scored else flat.path
    )
    if flat.classes:
        classes, held = common_classes(first, flat), flat.files()
    else:
        classes = first.classes
        held = _flat(flat.path, request.path, recipe.truth, classes)
    alone = request.scored
    return DataSet(
        name=request.path.name,
        train=nothing() if alone else first.files(),
        validation=held,
        classes=classes,
        shape=request.input,
        about=f"ImageNet in {request.path}",
        watched="validation",
        notes=() if alone else tuple(first.notes()),
    )


def _root(path: Path, recipe: ImageNet) -> Path:
    for place in PLACES:
        if (path / place / recipe.validation).is_dir():
            return path / place
    raise MissingError(
        f"{path / recipe.validation} is not there: ImageNet is looked for as"
        f" {path}/{recipe.train}/<class>/*.JPEG and {path}/{recipe.validation}/*.JPEG; say where it"
        " is with --data or `train.data.path`"
    )


def _flat(
    folder: Path, path: Path, truth: str | None, classes: ClassNames
) -> Files:
    """The images of one folder, in the order of their names, by the file that has their classes."""
    found = (
        one for one in folder.iterdir() if not one.name.startswith(".")
    )
    images = sorted(one for one in found if one.suffix.lower() in ENDINGS)
    source = _truth(folder, path, truth)
    try:
        text = read_file(source).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error)
        raise TrainingError(f"{source} cannot be read: {why}") from error
    said = _said(source, text, images, _by_number(source, classes))
    place = {name: label for label, name in enumerate(classes)}
    labels = []
    for image in images:
        name = said.get(image.stem)
        if name is None:
            raise TrainingError(f"{source} has no class for {image}")
        if name not in place:
            raise TrainingError(
                f"{source}: {image.stem} is of class `{name}`, which has no folder to train on"
            )
        labels.append(place[name])
    return Files(
        tuple(images), torch.tensor(labels, dtype=torch.int64), folder
    )


def _truth(folder: Path, path: Path, truth: str | None) -> Path:
    names = [path / truth] if truth else [path / name for name in TRUTHS]
    for name in names:
        if name.is_file():
            return name
    raise MissingError(
        f"{folder} has images and no folders of classes, and {names[0]} is not there: put"
        f" Kaggle's `{TRUTHS[0]}`, the devkit `{TRUTHS[1].partition('/')[0]}`, or a list of names"
        " and classes beside it, and name it by `train.data.truth`"
    )


def _by_number(source: Path, classes: ClassNames) -> ClassNames:
    """What the numbers of a file mean: of the devkit's, which count from 1 in its own order,
    meta.mat tells; of others they are the places of the sorted ids."""
    if "ground_truth" not in source.name:
        return classes
    meta = source.with_name("meta.mat")
    if not meta.is_file():
        raise MissingError(
            f"{meta} is not there: it says what the numbers in {source.name} mean"
        )
    rows = read_structs(meta, "synsets")
    known = {row.get("ILSVRC2012_ID"): str(row.get("WNID")) for row in rows}
    return (
        "",
        *(
            known.get(float(number), "")
            for number in range(1, 1 + len(rows))
        ),
    )


def _said(
    source: Path, text: str, images: list[Path], numbers: ClassNames
) -> dict[str, str]:
    """The class of each image by the name of its file."""
    lines = [line for line in text.splitlines() if line.strip()]
    if source.suffix.lower() == ".csv":
        # boxes follow the class; an image without one has a name alone
        rows = (
            (row[0], " ".join(row[1:]).split()) for row in csv.reader(lines)
        )
        return {
            Path(name).stem: _named(said[0], numbers)
            for name, said in rows
            if said
        }
    words = [line.split() for line in lines]
    if all(len(row) > 1 for row in words):
        return {Path(row[0]).stem: _named(row[1], numbers) for row in words}
    if len(words) != len(images):
        raise TrainingError(
            f"{source} has {len(words):,} classes, and there are {len(images):,} images"
        )
    return _in_order(images, (_named(row[0], numbers) for row in words))


def _in_order(images: list[Path], names: Iterable[str]) -> dict[str, str]:
    return {
        image.stem: name for image, name in zip(images, names, strict=True)
    }


def _named(word: str, numbers: ClassNames) -> str:
    """A class by its own name, or by its number."""
    if word.isdecimal() and int(word) < len(numbers):
        return numbers[int(word)]
    return word
