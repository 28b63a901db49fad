"""What a set says of each image, as an array → the tensor that the task of a target is asked with.

Whatever a task cannot take is told here, with the number of the image, before the first step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import Tensor

from ...errors import TrainingError
from ...language.recipe.target import (
    Itself,
    Labels,
    PixelLabel,
    Regression,
    SingleLabel,
)
from ...ops.base import shape_text
from .formats.npy import ArrayValues
from .sets import MOST_CLASSES, Request

UNKNOWN = -100
"""The class of what counts nowhere."""


def answers(values: ArrayValues, where: str, request: Request) -> Tensor:
    """An array (n, …) as the targets of n images; `where` it is, for messages.

    Raises `TrainingError` where it is not what `request.target` needs."""
    if values.dtype.kind not in "buif":
        raise TrainingError(f"{where} holds {values.dtype}, and no numbers")
    if values.ndim > 1 and values.shape[1] == 1 and request.output != (1,):
        # MedMNIST has a label in a row of its own
        values = values.squeeze(1)
    found = _KINDS[type(request.target)](values, where, request)
    known = (
        ~found.isnan() if found.is_floating_point() else found != UNKNOWN
    )
    if len(found) and not known.any():
        raise TrainingError(
            f"{where} says nothing of any image: NaN, and what is ignored, counts nowhere"
        )
    return found


def mask_classes(
    values: ArrayValues, target: PixelLabel, classes: int
) -> Tensor:
    """The pixels of a mask → classes, int16, -100 where they are to be ignored. Raises `ValueError`
    at one that is no class."""
    with numpy.errstate(invalid="ignore"):
        whole = numpy.ascontiguousarray(values).astype(numpy.int32)
    found = torch.from_numpy(whole)
    ignored = found == target.ignore
    wrong = ~ignored & ((found < 0) | (found >= classes))
    # a fraction, or more than 32 bits
    wrong |= torch.from_numpy(numpy.asarray(whole != values))
    if wrong.any():
        value = values[wrong.numpy()][0]
        most = f"classes go from 0 to {classes - 1}, and {target.ignore} is ignored"
        raise ValueError(f"has a pixel of class {value}, but {most}")
    return found.masked_fill(ignored, UNKNOWN).to(torch.int16)


def class_count(labels: Tensor, request: Request) -> int:
    """How many classes or numbers targets have; 0 where they have none to name. Of labels that are
    only scored, which need not be of every class, as many as the net puts out."""
    if isinstance(request.target, SingleLabel):
        least = request.output[0] if request.scored else 0
        return max(1 + int(labels.max()), least)
    if isinstance(request.target, PixelLabel):
        return request.output[0]
    return labels.shape[1] if labels.ndim == 2 else 0


def _label(values: ArrayValues, where: str, request: Request) -> Tensor:
    if values.ndim != 1:
        shape = shape_text(values.shape[1:])
        raise TrainingError(
            f"{where} has {shape} numbers of each image, and a label is one; for several labels"
            " write `target: labels`, for a class of each pixel `target: map`"
        )
    whole = numpy.mod(values, 1) == 0
    good = whole & (values >= 0) & (values < MOST_CLASSES)
    if not numpy.all(good):
        raise TrainingError(
            _odd(values, ~good, where, "no class: they count from 0")
        )
    return torch.from_numpy(values.astype(numpy.int64))


def _labels(values: ArrayValues, where: str, request: Request) -> Tensor:
    if values.ndim != 2:
        raise TrainingError(
            f"{where} has the shape {shape_text(values.shape)}; several labels are a row for each"
            " image, with 0 or 1 in a column for each class"
        )
    numbers = values.astype(numpy.float32)
    good = (numbers == 0) | (numbers == 1) | numpy.isnan(numbers)
    if not numpy.all(good):
        raise TrainingError(_odd(values, ~good, where, "neither 0 nor 1"))
    return torch.from_numpy(numbers)


def _numbers(values: ArrayValues, where: str, request: Request) -> Tensor:
    with numpy.errstate(over="ignore"):
        numbers = values.astype(numpy.float32)
    if numpy.any(wrong := numpy.isinf(numbers)):
        why = "no finite number of 32 bits"
        raise TrainingError(_odd(values, wrong, where, why))
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    if numbers.ndim > 2 and numbers.shape[1:] != request.output:
        raise TrainingError(
            f"{where} has {shape_text(numbers.shape[1:])} numbers of each image, but the net puts"
            f" out {shape_text(request.output)}"
        )
    return torch.from_numpy(numbers)


def _map(values: ArrayValues, where: str, request: Request) -> Tensor:
    assert isinstance(request.target, PixelLabel)
    cells = request.input[1:]
    if values.shape[1:] != cells:
        raise TrainingError(
            f"{where} has masks of {shape_text(values.shape[1:]) or 'one pixel'}, and the images"
            f" have {shape_text(cells)} pixels"
        )
    out = torch.empty(values.shape, dtype=torch.int16)
    for number, mask in enumerate(values):
        try:
            out[number] = mask_classes(
                mask, request.target, request.output[0]
            )
        except ValueError as error:
            raise TrainingError(
                f"{where}: mask {number} {error}"
            ) from error
    return out


def _itself(values: ArrayValues, where: str, request: Request) -> Tensor:
    return torch.zeros(len(values), dtype=torch.int64)


def _odd(
    values: ArrayValues, wrong: ArrayValues, where: str, why: str
) -> str:
    place = numpy.argwhere(wrong)[0]
    inner = ", ".join(map(str, place))
    return (
        f"{where} has {values[tuple(place)]} at [{inner}], which is {why}"
    )


_KINDS: dict[type[Any], Callable[[ArrayValues, str, Request], Tensor]] = {
    SingleLabel: _label,
    Labels: _labels,
    Regression: _numbers,
    PixelLabel: _map,
    Itself: _itself,
}
