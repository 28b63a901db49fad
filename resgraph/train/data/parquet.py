"""Parquet files of the Hugging Face hub's image sets → a data set, each file unpacked
once."""

from __future__ import annotations

from pathlib import Path

import torch
from msgspec.structs import replace

from ...collecting import flatten
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


def load(recipe: Parquet, request: Request) -> DataSet:
    """Classes are those that the files name, else the net's outputs.

    Where the set is only to be `scored`, no training file is asked for. Raises `MissingError` where
    no file is there, `TrainingError` where one is damaged or the files name different classes."""
    path = request.path
    train: Packed | Files = nothing()
    notes: tuple[str, ...] = ()
    if recipe.split:
        (whole,), names = _parts(path, [recipe.train], recipe)
        if other_files := _matching(path, recipe.validation):
            notes = beside_split(other_files[0], recipe.split)
        train, held = held_out(whole, recipe.split, recipe.split_seed)
    elif request.scored:
        (held,), names = _parts(path, [recipe.validation], recipe)
    else:
        both = [recipe.validation, recipe.train]
        (held, train), names = _parts(path, both, recipe)
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


def _parts(
    path: Path, patterns: list[str], recipe: Parquet
) -> tuple[list[Packed], ClassNames]:
    """Each part, and the names of the classes, which are those of all files."""
    files = [_files(path, pattern) for pattern in patterns]
    columns = Columns(recipe.image, recipe.label)
    read = [[unpacked(file, columns) for file in part] for part in files]
    every = [*flatten(read)]
    names = every[0].names
    if all(one.found for one in every):
        names = tuple(sorted({*flatten(one.names for one in every)}))
        read = [[one.among(names) for one in part] for part in read]
    else:
        for other in every[1:]:
            _same(path, names, other.names)
    return [*map(_together, files, read)], names


def _files(path: Path, pattern: str) -> list[Path]:
    files = _matching(path, pattern)
    if not files:
        raise MissingError(
            f"{path / pattern} is not there, nor {path / 'data' / pattern}; say where the files are"
            " with --data or `train.data.path`, and what they are called with `train.data.train`"
            f" and `train.data.validation`{TO_SPLIT}"
        )
    return files


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
            f"the files in {path} name different classes: {odd}; write the labels of all as words,"
            " or as numbers with the same names"
        )
