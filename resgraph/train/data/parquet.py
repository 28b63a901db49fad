"""Parquet files of the Hugging Face hub's image sets → a data set, each file unpacked
once."""

from __future__ import annotations

from pathlib import Path

import torch
from msgspec.structs import replace

from ...errors import MissingError, TrainingError, first_few
from ...language.recipe.data import Parquet
from .formats.parquet_cache import Columns, Unpacked, unpacked
from .sets import (
    TO_SPLIT,
    ClassNames,
    DataSet,
    Files,
    Packed,
    Request,
    beside_split,
    class_names,
    held_out,
    nothing,
)

NamedPart = tuple[Packed, ClassNames]
"""Images, and the names of their classes where the files have them."""


def load(recipe: Parquet, request: Request) -> DataSet:
    """Classes are those that the files name, else the net's outputs.

    Where the set is only to be `scored`, no training file is asked for. Raises `MissingError` where
    no file is there, `TrainingError` where one is damaged or the files name different classes."""
    path = request.path
    train: Packed | Files = nothing()
    notes: tuple[str, ...] = ()
    if recipe.split:
        whole, names = _part(path, recipe.train, recipe)
        if other_files := _matching(path, recipe.validation):
            notes = beside_split(other_files[0], recipe.split)
        train, held = held_out(whole, recipe.split, recipe.split_seed)
    else:
        held, names = _part(path, recipe.validation, recipe)
        if not request.scored:
            train, other = _part(path, recipe.train, recipe)
            _same(path, names, other)
    return DataSet(
        name=path.resolve().name,
        train=train,
        validation=held,
        classes=names or class_names(request, train, held),
        shape=request.input,
        about=f"Parquet files in {path}",
        watched="validation",
        notes=notes,
    )


def _matching(path: Path, pattern: str) -> list[Path]:
    return sorted(path.glob(pattern)) or sorted(
        (path / "data").glob(pattern)
    )


def _part(path: Path, pattern: str, recipe: Parquet) -> NamedPart:
    files = _matching(path, pattern)
    if not files:
        raise MissingError(
            f"{path / pattern} is not there, nor {path / 'data' / pattern}; say where the files are"
            " with --data or `train.data.path`, and what they are called with `train.data.train`"
            f" and `train.data.validation`{TO_SPLIT}"
        )
    read = [
        unpacked(file, Columns(recipe.image, recipe.label))
        for file in files
    ]
    for other in read[1:]:
        _same(path, read[0].names, other.names)
    return _together(files, read), read[0].names


def _together(files: list[Path], read: list[Unpacked]) -> Packed:
    indices = [one.index for one in read]
    rows = torch.cat([torch.arange(len(index)) for index in indices])
    return replace(
        Packed.joined([one.images for one in read], indices, files),
        row=rows,
    )


def _same(path: Path, names: ClassNames, other: ClassNames) -> None:
    if names != other:
        odd = (
            first_few(sorted(set(names) ^ set(other)), 5)
            or "their order differs"
        )
        raise TrainingError(
            f"the files in {path} name different classes: {odd}"
        )
