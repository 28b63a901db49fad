"""NumPy arrays of images, series, volumes or vectors → a data set in memory.

MedMNIST's files are read as they are (Yang et al. 2023): `train_images`, `train_labels` and so on,
channels last; Keras' `mnist.npz` by `images: x, labels: y, validation: test`."""

from __future__ import annotations

import numpy
import torch
from torch import Tensor

from ...counting import counted
from ...errors import TrainingError
from ...language.recipe.data import Arrays
from ...language.recipe.target import Itself
from ...ops.base import Shape, shape_text
from .answers import answers, class_count
from .formats.npy import ArrayStore, ArrayValues
from .sets import (
    TO_SPLIT,
    DataSet,
    Request,
    Resident,
    beside_split,
    held_out,
    names_of,
)

LEVELS = {"b": 1, "uint8": 255, "uint16": 65535}
"""The largest value of a pixel, by kind or type; other numbers are taken as they are."""


def load(recipe: Arrays, request: Request) -> DataSet:
    """Both parts, or one that is split. Where it is only to be `scored`, the training part need not
    be there.

    Raises `MissingError` where there is no file, `TrainingError` where an array lacks, is not of
    numbers, or not as long as the others."""
    store = ArrayStore.at(request.path)
    notes: tuple[str, ...] = ()
    if recipe.split:
        whole, levels = _part(store, recipe, recipe.train, request)
        train, held = held_out(whole, recipe.split, recipe.split_seed)
        other_part = {*_names(recipe.validation, recipe.images)}
        for name in other_part & store.sizes.keys():
            notes = beside_split(store.place(name), recipe.split)
    else:
        held, levels = _part(store, recipe, recipe.validation, request)
        train = held.part(slice(0))
        if not request.scored:
            train, other = _part(store, recipe, recipe.train, request)
            if (other, train.images.shape[1:]) != (
                levels,
                held.images.shape[1:],
            ):
                raise TrainingError(
                    f"the images of both parts in {store.path} have different shapes or types"
                )
    labels = torch.cat([train.labels, held.labels])
    count = class_count(labels, request)
    folder = store.path if store.path.is_dir() else store.path.parent
    return DataSet(
        name=request.path.stem,
        train=train,
        validation=held,
        classes=names_of(folder, count),
        shape=tuple(held.images.shape[1:]),
        about=f"arrays in {request.path}",
        levels=levels,
        watched="validation",
        notes=notes,
    )


def _names(part: str, what: str) -> tuple[str, str]:
    """What the array of a part may be called."""
    return f"{part}_{what}", f"{what}_{part}"


def _part(
    store: ArrayStore, recipe: Arrays, part: str, request: Request
) -> tuple[Resident, int]:
    """Images, targets and what else the net reads, and the largest value of a pixel."""

    def read(what: str) -> tuple[ArrayValues, str]:
        plain = [what] if recipe.split else []
        instead = TO_SPLIT if part == recipe.validation else ""
        names = (*_names(part, what), *plain)
        name = store.name_of(*names, instead=instead)
        found = store.read(name)
        if not found.ndim or not len(found):
            raise TrainingError(f"{store.place(name)} is empty")
        return found, store.place(name)

    pixels, where = read(recipe.images)
    images, levels = as_pixels(pixels, where)
    images = fitted(images, request.input)
    known = (
        (pixels, where)
        if isinstance(request.target, Itself)
        else read(recipe.labels)
    )
    labels = answers(*known, request)
    beside = tuple(
        _beside(*read(name), name, shape)
        for name, shape in request.beside.items()
    )
    for other, what in (
        (labels, recipe.labels),
        *zip(beside, request.beside, strict=True),
    ):
        if len(other) != len(images):
            raise TrainingError(
                f"{where} has {counted(len(images), 'image')}, but `{what}` of that part"
                f" {counted(len(other), 'row')}"
            )
    return Resident(images, labels, beside), levels


def as_pixels(values: ArrayValues, where: str) -> tuple[Tensor, int]:
    """A tensor of uint8 or float32, and the largest value of a pixel."""
    kind, name = values.dtype.kind, values.dtype.newbyteorder("=").name
    if kind not in "buif":
        raise TrainingError(f"{where} holds {values.dtype}, and no numbers")
    level = LEVELS.get(kind, LEVELS.get(name, 1))
    small = kind == "b" or name == "uint8"
    with numpy.errstate(over="ignore"):
        found = values.astype(numpy.uint8 if small else numpy.float32)
    if not small and not numpy.isfinite(found).all():
        bad = numpy.argwhere(~numpy.isfinite(found))[0]
        raise TrainingError(
            f"{where} has {values[tuple(bad)]} at [{', '.join(map(str, bad))}]: no finite number of"
            " 32 bits"
        )
    return torch.from_numpy(found), level


def fitted(values: Tensor, shape: Shape) -> Tensor:
    """(n, …) in the order that a net of `shape` reads: channels first, also where there is one that
    the array leaves out, and gray images three times for three channels."""
    own = tuple(values.shape[1:])
    if own == shape:
        return values
    if own == (*shape[1:], shape[0]) or _ends_in_channels(own, shape):
        return values.movedim(-1, 1).contiguous()
    if own == shape[1:] and shape[0] in (1, 3):
        return values[:, None].repeat(1, shape[0], *[1] * len(own))
    return values[:, None] if len(own) == 2 else values


def _ends_in_channels(own: Shape, shape: Shape) -> bool:
    """Whether images of another size than the net reads have their channels last."""
    return (
        len(own) == 3
        and own[-1] in (1, 3, 4)
        and own[0] not in (1, 3, 4, shape[0])
    )


def _beside(
    values: ArrayValues, where: str, name: str, shape: Shape
) -> Tensor:
    """A further input (n, *shape)."""
    found, _ = as_pixels(values, where)
    found = found[:, None] if found.ndim == 1 else fitted(found, shape)
    if tuple(found.shape[1:]) != shape:
        raise TrainingError(
            f"{where} has {shape_text(tuple(values.shape[1:]))} of each image, but the net reads"
            f" {shape_text(shape)} as `{name}`"
        )
    return found
