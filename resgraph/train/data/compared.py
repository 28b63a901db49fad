"""The two parts of a data set → what one should know of them before a net is judged by the
second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from ...errors import first_few
from ...language.recipe.target import SingleLabel
from .sets import DataSet, Files, Resident

UNLIKE = 50
"""How many times as large numbers of the other part may be: as those from 0 to 255 are beside those
from 0 to 1."""


def odd_parts(data: DataSet) -> Iterator[str]:
    """A note on each oddity of what was read from a path."""
    if data.path is None:
        return
    yield from _in_both(data)
    if len(data.train) and len(data.validation):
        yield from _unjudged(data)
        yield from _unlike(data)


def _in_both(data: DataSet) -> Iterator[str]:
    """On images that are trained on and validated on."""
    first, held = (
        {*part.paths} if isinstance(part, Files) else set[Path]()
        for part in (data.train, data.validation)
    )
    if both := sorted(map(str, first & held)):
        yield (
            f"in both parts: {len(both):,} of {len(held):,} images to validate on are trained on,"
            f" too: {first_few(both, 3)}"
        )


def _unjudged(data: DataSet) -> Iterator[str]:
    """On classes that are trained on, and of which no image is there to judge the net by."""
    if not isinstance(data.target, SingleLabel):
        return
    count = torch.bincount(
        data.validation.labels, minlength=len(data.classes)
    )
    lacking = [data.classes[n] for n in (count == 0).nonzero().flatten()]
    if lacking:
        yield (
            f"no {data.watched} image of {len(lacking):,} of {len(data.classes):,} classes:"
            f" {first_few(lacking, 5)}"
        )


def _unlike(data: DataSet) -> Iterator[str]:
    """On numbers of which one part has far larger ones."""
    parts = (data.train, data.validation)
    held = [part.images for part in parts if isinstance(part, Resident)]
    if len(held) < 2 or not held[0].is_floating_point():
        return
    largest = [float(images.abs().max()) for images in held]
    if max(largest) > UNLIKE * min(largest):
        yield (
            f"the numbers of the training part go up to {largest[0]:g}, those of the"
            f" {data.watched} part up to {largest[1]:g}: are both scaled alike?"
        )
