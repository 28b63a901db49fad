"""CSV files that list images, with what is to be learned of each → a data set of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from ...collecting import flatten, without
from ...errors import TrainingError, first_few
from ...language.recipe.data import Listed
from ...language.recipe.target import (
    Itself,
    Labels,
    PixelLabel,
    Regression,
    SingleLabel,
)
from ...ops.base import Shape, shape_text
from .answers import answers, mask_classes
from .formats.decoder import UNREADABLE, open_mask, size_of
from .formats.table import Table
from .sets import (
    TO_SPLIT,
    ClassNames,
    DataSet,
    Files,
    Request,
    beside_split,
    held_out,
    names_of,
    nothing,
)

PARTED = re.compile(r"[^|;\s]+")
"""A word of several in a cell."""
_WHOLE = re.compile(r"\d{1,18}")
"""A class that is a number; of a longer one the value is no order."""
CHECKED = 2_000
"""Masks whose pixels are all looked at before the first step, evenly spread; of the others only the
size is, and a pixel that is no class ends the run where it is met."""


def load(recipe: Listed, request: Request) -> DataSet:
    """Both lists, or one that is split. Where the set is only to be `scored`, the training list is
    read for its classes if it is there.

    Raises `MissingError` where a list is not there, `TrainingError` at the row that names no image,
    or says of it what cannot be."""
    names = (
        [recipe.train]
        if recipe.split
        else [recipe.train, recipe.validation]
    )
    alone = request.scored and not (request.path / recipe.train).is_file()
    tables = [
        Table.read(request.path / name, "" if recipe.split else TO_SPLIT)
        for name in names[-1 if alone else 0 :]
    ]
    label, answer = recipe.label, _ANSWERS[type(request.target)]
    columns = [label] if isinstance(label, str) else [*label]
    labels, classes = answer(tables, columns, request)
    parts = [
        _files(table, recipe, known, request)
        for table, known in zip(tables, labels, strict=True)
    ]
    train, held = nothing() if alone else parts[0], parts[-1]
    if recipe.split:
        train, held = held_out(held, recipe.split, recipe.split_seed)
    lists = ", ".join(str(table.path) for table in tables)
    return DataSet(
        name=request.path.name,
        train=train,
        validation=held,
        classes=classes,
        shape=request.input,
        about=f"images listed in {lists}",
        watched="validation",
        notes=_left_out(recipe, request.path),
    )


def _left_out(recipe: Listed, path: Path) -> tuple[str, ...]:
    """A list to validate on that nothing reads."""
    other = path / recipe.validation
    idle = recipe.train != recipe.validation and other.is_file()
    return (
        beside_split(other, recipe.split) if recipe.split and idle else ()
    )


def _files(
    table: Table, recipe: Listed, labels: Tensor, request: Request
) -> Files:
    """The images of a list, with what the net reads beside them."""
    paths = _paths(table, recipe.image, request.path)
    masks: tuple[Path, ...] = ()
    if isinstance(request.target, PixelLabel):
        assert isinstance(recipe.label, str)
        masks = _paths(table, recipe.label, request.path)
        _check_masks(table, paths, masks, request, recipe.exif)
    beside = tuple(
        _beside(
            table, (recipe.inputs or {}).get(name, (name,)), name, shape
        )
        for name, shape in request.beside.items()
    )
    return Files(paths, labels, request.path, masks, beside)


def _paths(table: Table, title: str, root: Path) -> tuple[Path, ...]:
    """The files that a column names. Raises `TrainingError` at the first that is not there."""
    found = tuple(root / cell for cell in table.filled(title))
    gone = [row for row, path in enumerate(found) if not path.is_file()]
    if gone:
        more = (
            f" ({len(gone):,} of {len(found):,} rows name no file)"
            if gone[1:]
            else ""
        )
        raise TrainingError(
            f"{table.place(gone[0])}: {found[gone[0]]} is not there{more}; paths count from {root}"
        )
    return found


def _check_masks(
    table: Table, paths: Sequence[Path], masks: Sequence[Path], request: Request, exif: bool
) -> None:  # fmt: skip
    """Raises `TrainingError` at a mask of another size than its image, or with a pixel that is no
    class."""
    target, classes = request.target, request.output[0]
    assert isinstance(target, PixelLabel)
    every = max(1, len(masks) // CHECKED)
    for row, (path, mask) in enumerate(zip(paths, masks, strict=True)):
        try:
            sizes = size_of(path, exif=exif), size_of(mask)
            if sizes[0] != sizes[1]:
                (a, b), (c, d) = sizes
                raise ValueError(
                    f"has {d}x{c} pixels, and its image {b}x{a}"
                )
            if row % every == 0:
                mask_classes(
                    numpy.asarray(open_mask(mask)), target, classes
                )
        except UNREADABLE as error:
            raise TrainingError(
                f"{table.place(row)}: {mask} {error}"
            ) from error


def _beside(
    table: Table, titles: tuple[str, ...], name: str, shape: Shape
) -> Tensor:
    """A further input (n, numbers) of the net."""
    if shape != (len(titles),):
        raise TrainingError(
            f"the net reads {shape_text(shape)} as `{name}`, and the list has"
            f" {len(titles)} for it: name its columns in `train.data.inputs`, as in"
            f" `inputs: {{{name}: [age, weight]}}`; other maps are read from `set: arrays`"
        )
    return torch.from_numpy(table.numbers(titles, gaps=False)).to(
        torch.float32
    )


def _one(columns: list[str], what: str) -> str:
    if len(columns) > 1:
        raise TrainingError(
            f"`train.data.label` names {len(columns)} columns, and {what} is in one; several are"
            " for `target: labels` and `target: number`"
        )
    return columns[0]


Answers = tuple[list[Tensor], ClassNames]
"""What is to be learned of the images of each list, and the names of the classes or numbers."""


def _label(
    tables: list[Table], columns: list[str], request: Request
) -> Answers:
    """Words or numbers, each another class: those of the training list, in order."""
    title = _one(columns, "a label")
    words = [[[cell] for cell in table.filled(title)] for table in tables]
    found, classes = _places(tables, title, words, request)
    return [torch.tensor(rows)[:, 0] for rows in found], classes


def _labels(
    tables: list[Table], columns: list[str], request: Request
) -> Answers:
    """Columns of 0 and 1, or one of words with `|`, `;` or spaces between them."""
    if len(columns) > 1:
        return _number(tables, columns, request)
    (title,) = columns
    words = [
        [*map(PARTED.findall, table.column(title))] for table in tables
    ]
    found, classes = _places(tables, title, words, request)
    return [_marked(rows, len(classes)) for rows in found], classes


def _places(
    tables: list[Table],
    title: str,
    words: list[list[list[str]]],
    request: Request,
) -> tuple[list[list[list[int]]], ClassNames]:
    """The words of each row as places among the classes, which are the lines of `classes.txt` or
    the words of the first list. Raises `TrainingError` at a word that is none of them."""
    seen = {*flatten(words[0])}
    classes = names_of(request.path, 0) or tuple(sorted(seen, key=_natural))
    number = {name: place for place, name in enumerate(classes)}
    for table, rows in zip(tables, words, strict=True):
        for place, row in enumerate(rows):
            if odd := without(row, number):
                raise TrainingError(
                    _outside(table, place, title, odd[0], classes)
                )
    return [
        [[number[word] for word in row] for row in rows] for rows in words
    ], classes


def _marked(rows: list[list[int]], classes: int) -> Tensor:
    """(n, classes) of 1 at the places of each row, else 0."""
    out = torch.zeros(len(rows), classes)
    for row, places in zip(out, rows, strict=True):
        row[places] = 1.0
    return out


def _number(
    tables: list[Table], columns: list[str], request: Request
) -> Answers:
    titles = tuple(columns)
    return [
        answers(table.numbers(titles, gaps=True), f"{table.path}", request)
        for table in tables
    ], titles


def _map(
    tables: list[Table], columns: list[str], request: Request
) -> Answers:
    _one(columns, "the path of a mask")
    labels, _ = _itself(tables, columns, request)
    return labels, names_of(request.path, request.output[0])


def _itself(
    tables: list[Table], columns: list[str], request: Request
) -> Answers:
    return [
        torch.zeros(len(table), dtype=torch.int64) for table in tables
    ], ()


def _natural(name: str) -> tuple[int, str]:
    """Whole numbers by their value, before words; those of one value, as `1` and `01`, as text."""
    return (int(name) if _WHOLE.fullmatch(name) else 1 << 62, name)


def _outside(
    table: Table, row: int, title: str, cell: str, classes: Sequence[str]
) -> str:
    shown = first_few(classes, 5)
    return f"{table.place(row)}: `{title}` is {cell!r}, which is none of the classes: {shown}"


_ANSWERS: dict[
    type[Any], Callable[[list[Table], list[str], Request], Answers]
] = {
    SingleLabel: _label,
    Labels: _labels,
    Regression: _number,
    PixelLabel: _map,
    Itself: _itself,
}
