"""A decoded image → what a net sees of it, as uint8 tensors: a random crop, the center crop, five
crops, or the full image at several sizes.

Each crop policy is a record without state, so that it can be sent to the data loader's workers."""

from __future__ import annotations

import math
import random
from typing import Any, Protocol

import numpy
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...language.recipe.augment import AreaCrop, SideCrop
from ...language.recipe.base import FILTERS, Filter
from ...structs import Frozen
from ..rng import key

Box = tuple[float, float, float, float]
WholeBox = tuple[int, int, int, int]
"""Left, top, right, bottom; right and bottom are the first outside."""
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


class _Resized(Frozen):
    """The shorter side resized to `side`, of which views of `size` (height, width) are taken."""

    side: int
    size: ImageSize
    way: Filter = "bilinear"

    @property
    def min_side(self) -> int:
        """The side."""
        return self.side


class CenterCrop(_Resized):
    """The center crop alone."""

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """One view."""
        return (center_crop(image, self.side, self.size, self.way),)


class RandomCrop(Frozen):
    """The recipe's random crop, seeded by (epoch, index): it depends on nothing else."""

    crop: AreaCrop | SideCrop
    size: ImageSize
    seed: int
    way: Filter = "bilinear"

    @property
    def min_side(self) -> int:
        """The longest side that a crop is cut from; twice the net's input where crops go by
        area."""
        return (
            self.crop.side[1]
            if isinstance(self.crop, SideCrop)
            else 2 * max(self.size)
        )

    def box(self, whole: ImageSize, epoch: int, index: int) -> WholeBox:
        """What is cut out of image `index`, of `whole` (width, height)."""
        rng = random.Random(key(self.seed, "decode", epoch, index))
        return random_box(whole, self.crop, self.size, rng)

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """One view."""
        box = self.box(image.size, epoch, index)
        way = self.drawn(epoch, index)
        return (cut(image, box, self.size, way),)

    def drawn(self, epoch: int, index: int) -> Filter:
        """By which filter image `index` is resized."""
        own = self.crop.interpolation
        if own == "random":
            return random.Random(
                key(self.seed, "filter", epoch, index)
            ).choice(FILTERS)
        return own or self.way


class FiveCrop(_Resized):
    """The four corners and the middle."""

    def __call__(
        self, image: Image.Image, epoch: int, index: int
    ) -> tuple[Tensor, ...]:
        """Five views: top left, top right, bottom left, bottom right, middle."""
        across, down = _window(image.size, self.side, self.size)
        corners = (
            (left, top, left + across, top + down)
            for top in (0.0, image.height - down)
            for left in (0.0, image.width - across)
        )
        return (
            *(
                _resample(image, box, self.size, self.way)
                for box in corners
            ),
            center_crop(image, self.side, self.size, self.way),
        )


class FullImage(Frozen):
    """The whole image with its shorter side resized to each of `sides`."""

    sides: tuple[int, ...]
    way: Filter = "bilinear"

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
            (
                round(image.height * side / short),
                round(image.width * side / short),
            )
            for side in self.sides
        )
        return tuple(
            _resample(image, box, size, self.way) for size in sizes
        )


MASK = "I"
"""The mode of a mask, whose classes no filter may mix."""


def to_tensor(image: Image.Image) -> Tensor:
    """(channels, height, width) uint8, of a mask int32; channels-last in memory."""
    kind = numpy.int32 if image.mode == MASK else numpy.uint8
    pixels = torch.from_numpy(numpy.array(image, dtype=kind))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def center_crop(
    image: Image.Image, side: int, size: ImageSize, way: Filter = "bilinear"
) -> Tensor:
    """The shorter side resized to `side`, then the middle of `size` (height, width)."""
    scale = min(image.size) / side
    across, down = size[1] * scale, size[0] * scale
    left, top = (image.width - across) / 2, (image.height - down) / 2
    return _resample(
        image, (left, top, left + across, top + down), size, way
    )


def random_box(
    whole: ImageSize,
    crop: AreaCrop | SideCrop,
    size: ImageSize,
    rng: random.Random,
) -> WholeBox:
    """A random part of an image of `whole` (width, height) that becomes `size` (height, width): in
    the way of the recipe, in whole pixels."""
    if isinstance(crop, SideCrop):
        return _anywhere(
            whole, _window(whole, rng.randint(*crop.side), size), rng
        )
    width, height = whole
    for _ in range(10):  # Szegedy et al.: draw until it fits
        area = width * height * rng.uniform(*crop.area)
        aspect = math.exp(rng.uniform(*map(math.log, crop.aspect)))
        across, down = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if across <= width and down <= height:
            return _anywhere(whole, (across, down), rng)
    across, down = _whole(_window(whole, min(size), size))
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def _window(
    whole: ImageSize, side: int, size: ImageSize
) -> tuple[float, float]:
    """Width and height of what becomes `size` (height, width) where the shorter side is resized to
    `side`."""
    scale = min(whole) / side
    return min(whole[0], size[1] * scale), min(whole[1], size[0] * scale)


def _whole(window: tuple[float, float]) -> tuple[int, int]:
    """The same in whole pixels."""
    return max(1, round(window[0])), max(1, round(window[1]))


def _anywhere(
    whole: ImageSize, window: tuple[float, float], rng: random.Random
) -> WholeBox:
    """A window of (width, height) at a random place."""
    across, down = _whole(window)
    left = rng.randint(0, whole[0] - across)
    top = rng.randint(0, whole[1] - down)
    return left, top, left + across, top + down


VECTORIZED = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
"""Whether torch resizes bytes faster than Pillow; numbers differ by 1 of 255 at most."""


def cut(
    image: Image.Image,
    box: WholeBox,
    size: ImageSize,
    way: Filter = "bilinear",
) -> Tensor:
    """A part of the image at `size`."""
    if VECTORIZED and image.mode != MASK:
        return filtered(numpy.array(image.crop(box)), size, way)
    return to_tensor(
        image.crop(box).resize(size[::-1], _pillows(image, way))
    )


def _pillows(image: Image.Image, way: Filter) -> Image.Resampling:
    """Pillow's name of a filter; that of a mask keeps its classes."""
    return Image.Resampling[
        "NEAREST" if image.mode == MASK else way.upper()
    ]


def filtered(
    pixels: numpy.ndarray[Any, numpy.dtype[numpy.uint8]],
    size: ImageSize,
    way: Filter = "bilinear",
) -> Tensor:
    """(height, width[, channels]) → (channels, *size), channels-last in memory; low-passed where it
    shrinks, as Pillow does it."""
    if not VECTORIZED:
        image = Image.fromarray(
            pixels.squeeze(2) if pixels.shape[2:] == (1,) else pixels
        )
        return cut(image, (0, 0, *image.size), size, way)
    planes = torch.from_numpy(
        pixels if pixels.ndim == 3 else pixels[..., None]
    )
    return F.interpolate(
        planes.permute(2, 0, 1)[None], size, mode=way, antialias=True
    )[0]


def _resample(
    image: Image.Image, box: Box, size: ImageSize, way: Filter
) -> Tensor:
    """A part of the image at `size`, in one filtered resampling (so nothing is resized that is then
    cut away)."""
    left, top, right, bottom = box
    inside = (
        *(max(0.0, left), max(0.0, top)),
        *(min(float(image.width), right), min(float(image.height), bottom)),
    )
    return to_tensor(
        image.resize(size[::-1], _pillows(image, way), inside, REDUCING_GAP)
    )
