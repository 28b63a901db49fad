"""What a net puts out of one image → what that says, in the terms of its recipe's target."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import torch
import torch.nn.functional as F
from msgspec.structs import replace
from PIL import Image
from torch import Tensor

from ..structs import Frozen
from .data.normalize import Normalization
from .given import GivenRow
from .tasks import Units

NamedNumbers = tuple[tuple[str, float], ...]


Announce = Callable[[Path, int | None], object]
"""Told of a file, and the row in an array."""


class Prediction(Frozen):
    """Of one image: the likeliest `classes`, each with its probability, the likeliest first; or its
    `numbers` by name; or a `picture`, (height, width) of classes or (height, width, channels) of
    pixels, both uint8 or, of more than 256 classes, uint16. `row` is the place in an array. Of an
    image that cannot be read there is `unread` alone, which says why."""

    path: Path
    classes: NamedNumbers = ()
    row: int | None = None
    numbers: NamedNumbers = ()
    picture: numpy.ndarray[Any, Any] | None = None
    unread: str = ""

    def save(self, path: Path) -> None:
        """Writes the picture as PNG."""
        assert self.picture is not None
        gray = self.picture.ndim == 3 and self.picture.shape[2] == 1
        Image.fromarray(
            self.picture[..., 0] if gray else self.picture
        ).save(path, "PNG")


class Reading(Frozen):
    """How an output is read: the run's preprocess.json, its normalization, and how many of the
    likeliest classes are told."""

    document: dict[str, Any]
    normalization: Normalization
    top: int

    def __call__(self, asked: GivenRow, output: Tensor) -> Prediction:
        """Of an output (…) without its batch."""
        if asked.unread:
            return Prediction(asked.path, unread=asked.unread)
        kind = self.document.get("target", "label")
        found = READERS[kind](self, asked.path, output.float())
        return replace(found, row=asked.row)

    def names(self, count: int) -> list[str]:
        """Of the classes or numbers."""
        listed: list[str] = self.document["classes"]
        return (
            listed if len(listed) == count else list(map(str, range(count)))
        )


def _label(how: Reading, path: Path, output: Tensor) -> Prediction:
    return Prediction(path, _likeliest(how, output.softmax(0)))


def _labels(how: Reading, path: Path, output: Tensor) -> Prediction:
    return Prediction(path, _likeliest(how, output.sigmoid()))


def _likeliest(how: Reading, probabilities: Tensor) -> NamedNumbers:
    best = probabilities.topk(min(how.top, len(probabilities)))
    names = how.names(len(probabilities))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple((names[place], value) for place, value in pairs)


def _numbers(how: Reading, path: Path, output: Tensor) -> Prediction:
    if stated := how.document.get("numbers"):
        output = Units.read(stated).restored(output[None])[0]
    values = output.flatten().tolist()
    return Prediction(
        path,
        numbers=tuple(zip(how.names(len(values)), values, strict=True)),
    )


def _map(how: Reading, path: Path, output: Tensor) -> Prediction:
    """At the size that the net reads, as the score is."""
    size = tuple(how.document["shape"][1:])
    larger = F.interpolate(
        output[None], size, mode="bilinear", align_corners=False
    )
    kind = numpy.uint8 if len(output) <= 256 else numpy.uint16
    return Prediction(
        path, picture=larger[0].argmax(0).cpu().numpy().astype(kind)
    )


def _itself(how: Reading, path: Path, output: Tensor) -> Prediction:
    """The pixels that the output stands for."""
    way, shape = how.normalization, how.document["shape"]
    if math.prod(output.shape) == math.prod(shape):
        output = output.view(*shape)
    pixels = (
        (output + way.offset) / way.scale * (255 / how.document["levels"])
    )
    whole = pixels.round().clamp(0, 255).to(torch.uint8)
    return Prediction(path, picture=whole.permute(1, 2, 0).cpu().numpy())


READERS: dict[str, Callable[[Reading, Path, Tensor], Prediction]] = {
    "label": _label,
    "labels": _labels,
    "number": _numbers,
    "map": _map,
    "itself": _itself,
}
"""By the kind of a target."""
PICTURED = frozenset(["map", "itself"])
"""The kinds of which there are pictures."""
