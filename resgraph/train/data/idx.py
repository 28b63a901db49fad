"""The idx files of MNIST's family, packed or not → a data set in memory.

https://yann.lecun.com/exdb/mnist tells the format: two zero bytes, a type (8: unsigned bytes), the
number of dimensions, each dimension as a big-endian 32-bit integer, then the values."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from struct import unpack

import numpy
import torch
import torch.nn.functional as F
from torch import Tensor

from ...counting import counted
from ...errors import MissingError, TrainingError
from ...files import reason
from ...language.recipe.data import Idx
from .sets import DataSet, Request, Resident, held_out, names_of

PARTS = ("train", "t10k")
"""What the names of the official files begin with, for training and for testing."""
UNSIGNED = 8
LARGEST = 4 * 2**30
"""Bytes of the values of a file that is read."""


def load(recipe: Idx, request: Request) -> DataSet:
    """Both official parts, labels as classes from 0 to the largest one.

    Raises `MissingError` where a file is not there, `TrainingError` where one is damaged or the two
    of a part do not belong together."""
    train, test = (_part(request.path, part, recipe) for part in PARTS)
    shapes = {tuple(part.images.shape[1:]) for part in (train, test)}
    if len(shapes) > 1:
        raise TrainingError(
            f"the images of both parts in {request.path} have different sizes"
        )
    watched = "test"
    if recipe.held_out:
        train, test = held_out(train, recipe.held_out, recipe.split_seed)
        watched = "validation"
    (shape,) = shapes
    classes = 1 + max(int(part.labels.max()) for part in (train, test))
    return DataSet(
        name=request.path.resolve().name,
        train=train,
        validation=test,
        classes=names_of(request.path, classes),
        shape=(shape[0], shape[1], shape[2]),
        about=f"idx files in {request.path}",
        watched=watched,
    )


def read_idx(path: Path, dimensions: int) -> Tensor:
    """The values of a file of so many dimensions, uint8. Raises `TrainingError` where it is
    another."""
    try:
        with (
            gzip.open(path)
            if path.suffix == ".gz"
            else path.open("rb") as file
        ):
            head = file.read(4)
            if head != bytes([0, 0, UNSIGNED, dimensions]):
                raise TrainingError(
                    f"{path} is no idx file of bytes with {dimensions} dimensions: it begins with"
                    f" {head.hex(' ') or 'nothing'}"
                )
            header = file.read(4 * dimensions).ljust(4 * dimensions, b"\0")
            sides = unpack(f">{dimensions}I", header)
            wanted = prod(sides)
            claim = f"{path} claims {' x '.join(map(str, sides))} values"
            if not 0 < wanted <= LARGEST:
                raise TrainingError(f"{claim}; is it damaged?")
            # one byte more than wanted, to see that nothing follows
            values = file.read(wanted + 1)
    except (OSError, EOFError, zlib.error) as error:
        why = reason(error)
        raise TrainingError(f"{path} cannot be read: {why}") from error
    if left := wanted - len(values):
        end = "goes on after" if left < 0 else f"ends {left:,} before"
        raise TrainingError(f"{claim}, but {end} them; copy it again")
    return torch.from_numpy(
        numpy.frombuffer(values, numpy.uint8).reshape(sides).copy()
    )


def _part(folder: Path, part: str, recipe: Idx) -> Resident:
    images = read_idx(_file(folder, f"{part}-images", 3), 3)[:, None]
    place = _file(folder, f"{part}-labels", 1)
    labels = read_idx(place, 1)
    if len(images) != len(labels):
        raise TrainingError(
            f"{place} has {counted(len(labels), 'label')} for {counted(len(images), 'image')};"
            " they are of two sets"
        )
    padded = F.pad(images, (recipe.pad,) * 4).repeat(
        1, recipe.channels, 1, 1
    )
    return Resident(padded, labels.to(torch.int64))


def _file(folder: Path, name: str, dimensions: int) -> Path:
    """`train-images-idx3-ubyte`, also with a dot for its second dash, with or without `.gz`."""
    official = f"{name}-idx{dimensions}-ubyte"
    for stem in (official, f"{name}.idx{dimensions}-ubyte"):
        for path in (folder / stem, folder / f"{stem}.gz"):
            if path.is_file():
                return path
    raise MissingError(
        f"{folder / official} is not there, nor packed as .gz: put the four official files of the"
        " set into one folder, and say where it is with --data or `train.data.path`"
    )
