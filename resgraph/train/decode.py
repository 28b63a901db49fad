"""Image files → uint8 tensors of one size, decoded and cropped by worker processes, each by the luck of its
own name.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import TrainingError
from ..language.recipe import Train
from ..language.recipe_records import AreaCrop, Folder, Shards, SideCrop
from ..ops.base import Shape
from .counter import key, permutation
from .data.sets import DataSet, Files, Packed, Resident
from .decide import Decisions
from .signals import ignore_in_worker

Box = tuple[float, float, float, float]
SAMPLED = 512
"""Training images of a folder whose mean and spread stand for all of them."""


def to_tensor(image: Image.Image) -> Tensor:
    """(channels, height, width) uint8."""
    pixels = torch.from_numpy(numpy.array(image, dtype=numpy.uint8))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()


def centre(image: Image.Image, side: int, size: tuple[int, int]) -> Tensor:
    """The shorter side resized to `side`, then the middle of `size` (height, width)."""
    height, width = size
    scale = min(image.width, image.height) / side
    across, down = width * scale, height * scale
    left, top = (image.width - across) / 2, (image.height - down) / 2
    return _resample(image, (left, top, left + across, top + down), size)


def cropped(image: Image.Image, crop: AreaCrop | SideCrop, size: tuple[int, int], luck: random.Random) -> Tensor:
    """A random part of the image, in the way of the recipe, as `size` (height, width)."""
    if isinstance(crop, SideCrop):
        scale = min(image.width, image.height) / luck.randint(*crop.side)
        across, down = min(image.width, size[1] * scale), min(image.height, size[0] * scale)
        left, top = luck.uniform(0, image.width - across), luck.uniform(0, image.height - down)
        return _resample(image, (left, top, left + across, top + down), size)
    for _ in range(10):  # Szegedy et al.: draw until it fits
        area = image.width * image.height * luck.uniform(*crop.area)
        aspect = math.exp(luck.uniform(math.log(crop.aspect[0]), math.log(crop.aspect[1])))
        across, down = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if across <= image.width and down <= image.height:
            left, top = luck.uniform(0, image.width - across), luck.uniform(0, image.height - down)
            return _resample(image, (left, top, left + across, top + down), size)
    return centre(image, min(size), size)


def _resample(image: Image.Image, box: Box, size: tuple[int, int]) -> Tensor:
    """A part of the image at `size`, in one filtered resampling (so nothing is resized that is then cut
    away).
    """
    left, top, right, bottom = box
    inside = (max(0.0, left), max(0.0, top), min(float(image.width), right), min(float(image.height), bottom))
    return to_tensor(image.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=inside, reducing_gap=2.0))


def open_image(source: Path | BytesIO, channels: int, least: int) -> Image.Image:
    """The whole image, decoded at a fraction of its size where a JPEG can be and nothing is lost by it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF and palette notes are about files that are not ours
        with Image.open(source) as image:
            image.draft("RGB" if channels == 3 else "L", (least, least))
            return image.convert("RGB" if channels == 3 else "L")


class _Part(Dataset[tuple[Tensor, int, str]]):
    """Asked with (epoch, index), or with index alone for validation; a broken file is gray, with label -100
    and its name.
    """

    def __init__(
        self, files: Files | Packed, shape: Shape, crop: AreaCrop | SideCrop | None, resize: int, seed: int
    ) -> None:
        self.files, self.shape, self.crop, self.resize, self.seed = files, shape, crop, resize, seed

    def __getitem__(self, asked: tuple[int, int]) -> tuple[Tensor, int, str]:
        epoch, index = asked
        channels, size = self.shape[0], (self.shape[1], self.shape[2])
        try:
            if self.crop is None:
                pixels = centre(open_image(self.files.source(index), channels, self.resize), self.resize, size)
            else:
                least = self.crop.side[1] if isinstance(self.crop, SideCrop) else 2 * max(size)
                luck = random.Random(key(self.seed, "decode", epoch, index))
                pixels = cropped(open_image(self.files.source(index), channels, least), self.crop, size, luck)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return torch.full(self.shape, 128, dtype=torch.uint8), -100, f"{self.files.name(index)}: {error}"
        return pixels, int(self.files.labels[index]), ""


class Decoded:
    """Batches from files. Counts the ones that are broken, and stops where there are too many."""

    def __init__(self, data: DataSet, train: Train, decisions: Decisions) -> None:
        if isinstance(data.train, Resident) or isinstance(data.validation, Resident):
            raise TypeError("decoding is for files")
        crop = train.augment.crop
        resize = data.resize or round(min(data.shape[1:]) * 8 / 7)
        self.device, self.workers = decisions.device, decisions.workers
        self.parts = (
            _Part(
                data.train,
                data.shape,
                crop if isinstance(crop, AreaCrop | SideCrop) else None,
                resize,
                train.seed,
            ),
            _Part(data.validation, data.shape, None, resize, train.seed),
        )
        share = train.data.unreadable if isinstance(train.data, Folder | Shards) else 0.0
        self.bound = share * (len(data.train) + len(data.validation))
        self.broken: set[str] = set()
        self.told: set[str] = set()

    def train(self, epoch: int, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of `order`, decoded and cropped by the luck of (epoch, index)."""
        return self._batches(self.parts[0], [[(epoch, i) for i in row] for row in order.tolist()])

    def validation(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of `order`, decoded and cropped in the middle."""
        return self._batches(self.parts[1], [[(0, i) for i in row] for row in order.tolist()])

    def troubles(self) -> list[str]:
        """The files that were found broken since the last call."""
        fresh = sorted(self.broken - self.told)
        self.told.update(fresh)
        return [f"skipped, as it cannot be read: {text}" for text in fresh]

    def _batches(self, part: _Part, asked: list[list[tuple[int, int]]]) -> Iterator[tuple[Tensor, Tensor]]:
        loader: DataLoader[Any] = DataLoader(
            part,
            batch_sampler=asked,
            num_workers=self.workers,
            collate_fn=_together,
            worker_init_fn=ignore_in_worker,
            pin_memory=self.device.type == "cuda",
            prefetch_factor=4 if self.workers else None,
            generator=torch.Generator().manual_seed(0),  # the loader draws a seed per epoch: not from the global luck
        )
        for images, labels, broken in loader:
            self._count(broken)
            yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def _count(self, broken: list[str]) -> None:
        self.broken.update(broken)
        if len(self.broken) > self.bound:
            shown = "; ".join(sorted(self.broken)[:3])
            raise TrainingError(
                f"{len(self.broken)} images cannot be read, more than `data.unreadable` allows "
                f"({self.bound:g}): {shown}"
            )


def _together(samples: list[tuple[Tensor, int, str]]) -> tuple[Tensor, Tensor, list[str]]:
    images, labels, broken = zip(*samples, strict=True)
    return torch.stack(images), torch.tensor(labels), [text for text in broken if text]


def sample(data: DataSet, seed: int) -> Resident:
    """Some training images, cropped in the middle, for their mean and spread; broken ones are left out."""
    if isinstance(data.train, Resident):
        raise TypeError("sampling is for files")
    resize = data.resize or round(min(data.shape[1:]) * 8 / 7)
    part = _Part(data.train, data.shape, None, resize, seed)
    chosen = permutation(key(seed, "sample"), len(data.train))[:SAMPLED].tolist()
    read = [part[(0, index)] for index in chosen]
    whole = [(pixels, label) for pixels, label, _ in read if label >= 0]
    if not whole:
        raise TrainingError(f"none of {len(read)} images of {data.name} can be read; the first: {read[0][2]}")
    return Resident(torch.stack([pixels for pixels, _ in whole]), torch.tensor([label for _, label in whole]))
