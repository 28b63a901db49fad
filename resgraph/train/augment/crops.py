"""A decoded image → what a net sees of it, as uint8 tensors: a random crop, the center crop, five
crops, or the full image at several sizes.

Each crop policy is a record without state, so that it can be sent to the data loader's workers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Protocol

import numpy
import torch
from PIL import Image
from torch import Tensor

from ...language.recipe.augment import AreaCrop, SideCrop
from ..rng import key

Box = tuple[float, float, float, float]
ImageSize = tuple[int, int]
REDUCING_GAP = 2.0
"""How much larger than asked for Pillow keeps an image while it averages whole cells, before it
filters."""


class CropPolicy(Protocol):
    """What is cut out of an image, and at which size."""

    @property
    def min_side(self) -> int:
        """Pixels of the shorter side from which on a coarser decoding loses nothing."""

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """The views of image `index` in an epoch, each (channels, height, width) uint8."""


@dataclass(frozen=True, slots=True)
class _Resized:
    """The shorter side resized to `side`, of which views of `size` (height, width) are taken."""

    side: int
    size: ImageSize

    @property
    def min_side(self) -> int:
        """The side."""
        return self.side


@dataclass(frozen=True, slots=True)
class CenterCrop(_Resized):
    """The center crop alone."""

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """One view."""
        return (center_crop(image, self.side, self.size),)


@dataclass(frozen=True, slots=True)
class RandomCrop:
    """The recipe's random crop, seeded by (epoch, index): it depends on nothing else."""

    crop: AreaCrop | SideCrop
    size: ImageSize
    seed: int

    @property
    def min_side(self) -> int:
        """The longest side that a crop is cut from; twice the net's input where crops go by
        area."""
        return (
            self.crop.side[1] if isinstance(self.crop, SideCrop) else 2 * max(self.size)
        )

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """One view."""
        rng = random.Random(key(self.seed, "decode", epoch, index))
        return (random_crop(image, self.crop, self.size, rng),)


@dataclass(frozen=True, slots=True)
class FiveCrop(_Resized):
    """The four corners and the middle."""

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """Five views: top left, top right, bottom left, bottom right, middle."""
        across, down = _window(image, self.side, self.size)
        corners = (
            (left, top, left + across, top + down)
            for top in (0.0, image.height - down)
            for left in (0.0, image.width - across)
        )
        return (
            *(_resample(image, box, self.size) for box in corners),
            center_crop(image, self.side, self.size),
        )


@dataclass(frozen=True, slots=True)
class FullImage:
    """The whole image with its shorter side resized to each of `sides`."""

    sides: tuple[int, ...]

    @property
    def min_side(self) -> int:
        """The largest."""
        return max(self.sides)

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """A view for each side, in their order."""
        box = (0.0, 0.0, float(image.width), float(image.height))
        short = min(image.size)
        sizes = (
            (round(image.height * side / short), round(image.width * side / short))
            for side in self.sides
        )
        return tuple(_resample(image, box, size) for size in sizes)


FILTERS = {"I": (Image.Resampling.NEAREST, numpy.int32)}
"""By the mode of an image: that of a mask keeps its classes."""
FILTERED = (Image.Resampling.BILINEAR, numpy.uint8)


def to_tensor(image: Image.Image) -> Tensor:
    """(channels, height, width) uint8, of a mask int32."""
    _, kind = FILTERS.get(image.mode, FILTERED)
    pixels = torch.from_numpy(numpy.array(image, dtype=kind))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()


def center_crop(image: Image.Image, side: int, size: ImageSize) -> Tensor:
    """The shorter side resized to `side`, then the middle of `size` (height, width)."""
    scale = min(image.size) / side
    across, down = size[1] * scale, size[0] * scale
    left, top = (image.width - across) / 2, (image.height - down) / 2
    return _resample(image, (left, top, left + across, top + down), size)


def random_crop(
    image: Image.Image, crop: AreaCrop | SideCrop, size: ImageSize, rng: random.Random
) -> Tensor:
    """A random part of the image, in the way of the recipe, as `size` (height, width)."""
    if isinstance(crop, SideCrop):
        window = _window(image, rng.randint(*crop.side), size)
        return _anywhere(image, window, size, rng)
    for _ in range(10):  # Szegedy et al.: draw until it fits
        area = image.width * image.height * rng.uniform(*crop.area)
        aspect = math.exp(rng.uniform(*map(math.log, crop.aspect)))
        across, down = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if across <= image.width and down <= image.height:
            return _anywhere(image, (across, down), size, rng)
    return center_crop(image, min(size), size)


def _window(image: Image.Image, side: int, size: ImageSize) -> tuple[float, float]:
    """Width and height of what becomes `size` (height, width) where the shorter side is resized to
    `side`."""
    scale = min(image.size) / side
    return min(image.width, size[1] * scale), min(image.height, size[0] * scale)


def _anywhere(
    image: Image.Image, window: tuple[float, float], size: ImageSize, rng: random.Random
) -> Tensor:
    """A window of (width, height) at a random place, as `size`."""
    across, down = window
    left, top = (
        rng.uniform(0, image.width - across),
        rng.uniform(0, image.height - down),
    )
    return _resample(image, (left, top, left + across, top + down), size)


def _resample(image: Image.Image, box: Box, size: ImageSize) -> Tensor:
    """A part of the image at `size`, in one filtered resampling (so nothing is resized that is then
    cut away)."""
    left, top, right, bottom = box
    inside = (
        *(max(0.0, left), max(0.0, top)),
        *(min(float(image.width), right), min(float(image.height), bottom)),
    )
    way, _ = FILTERS.get(image.mode, FILTERED)
    return to_tensor(image.resize(size[::-1], way, inside, REDUCING_GAP))
