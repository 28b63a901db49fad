"""What a recipe does to images: crops, mirrors, colours and mixtures."""

from typing import Annotated, Literal

from msgspec import Meta

from ..record import Info, Record, validator
from .base import (
    NO_OFF,
    Count,
    Filter,
    Off,
    PositiveShare,
    Share,
    Strength,
    UnitShare,
)

Drawn = Annotated[Filter | Literal["random"] | None, NO_OFF]


class PadCrop(Record):
    """`cells` zeros on each side, then a random crop of the image's own size (He et al. 2016,
    section 4.2: 4)."""

    kind: Literal["pad"]
    cells: Annotated[int, Meta(ge=1, le=64)]
    """Zeros on each side, in pixels."""
    border: Annotated[Literal["zeros", "reflect"], NO_OFF] = "zeros"
    """Zeros, or the image mirrored at its edge pixels."""


def _smaller_first(
    value: tuple[float, float], _: Info
) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(
            f"the smaller number comes first: [{value[1]}, {value[0]}]"
        )
    return value


class AreaCrop(Record):
    """A random part of the image, by area and aspect, resized to the net's input (Szegedy et al.
    2015, section 6)."""

    kind: Literal["area"]
    area: tuple[
        PositiveShare,
        PositiveShare,
    ] = (
        0.08,
        1.0,
    )
    """Smallest and largest share of the image's area."""
    aspect: tuple[
        Annotated[float, Meta(gt=0, le=10)],
        Annotated[float, Meta(gt=0, le=10)],
    ] = (
        0.75,
        4 / 3,
    )
    """Smallest and largest width over height."""
    interpolation: Drawn = None
    """Filter by which images on disk are resized in training; `random`: one of both for each image
    (timm's); by default as `data.interpolation`."""

    _ordered = validator("area", "aspect")(_smaller_first)


class SideCrop(Record):
    """The shorter side resized to a random length in `side`, then a random crop (He et al. 2016,
    section 3.4)."""

    kind: Literal["side"]
    side: tuple[Count, Count] = (256, 480)
    """Smallest and largest length of the shorter side, in pixels."""
    interpolation: Drawn = None
    """As of an area."""

    _ordered = validator("side")(_smaller_first)


class RandAugment(Record):
    """`ops` random operations at `magnitude` of 10 (Cubuk et al. 2020); or as timm does them, its
    `rand-m7-mstd0.5-inc1` (Wightman et al. 2021): with an inversion and a solarized addition in
    place of nothing, each done with probability 0.5."""

    ops: Annotated[int, Meta(ge=1, le=8)] = 2
    """Operations for each image."""
    magnitude: Annotated[float, Meta(gt=0, le=10)] = 9.0
    """Strength, of 10."""
    deviation: Strength = 0.0
    """Standard deviation of the strength (timm's `mstd`)."""
    policy: Annotated[Literal["paper", "timm"], NO_OFF] = "paper"
    """The operations of the paper, or timm's increasing ones."""


class Augment(Record):
    """What is done to training images, each image by random numbers of its own.

    On pixels: the crop of a folder's images, trivialaugment, randaugment, lighting. After
    normalization, where zeros are the mean: rotate, zoom and shift, the crop of sets in memory,
    flip, erasing, cutout, and mixup or cutmix."""

    crop: PadCrop | AreaCrop | SideCrop | None = None
    """Random crop, by its `kind`."""
    flip: bool = False
    """Mirror half of the images, left to right."""
    alternate: bool = False
    """With `flip`, mirror each image in every other epoch: in the first one half of them, in the
    next one the others (Jordan 2024, arXiv 2404.00498, section 3.6)."""
    rotate: Annotated[float, Meta(ge=0, le=180)] = 0.0
    """Random rotation, in degrees to either side."""
    zoom: Share = 0.0
    """Random zoom, relative, to either side."""
    shift: Annotated[float, Meta(ge=0, le=64)] = 0.0
    """Random shift, in pixels to each side."""
    randaugment: RandAugment | None = None
    """RandAugment."""
    lighting: UnitShare = 0.0
    """Standard deviation of AlexNet's PCA noise on RGB (0.1 there)."""
    trivialaugment: bool = False
    """TrivialAugment, with the wide ranges: one operation for each image, of any strength (Müller,
    Hutter 2021)."""
    repeats: Annotated[int, Meta(ge=1, le=64), Off(1)] = 1
    """Repeated augmentation: how often an image is in an epoch, changed anew each time; an epoch
    has as many steps as ever, of fewer images (Hoffer et al. 2020)."""
    erasing: UnitShare = 0.0
    """Random erasing: the probability that a rectangle of 2 to 33 % of an image is blanked (Zhong
    et al. 2020)."""
    cutout: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Side of the square that is blanked, in pixels (DeVries, Taylor 2017)."""
    mixup: Strength = 0.0
    """Mixup's alpha (Zhang et al. 2018)."""
    cutmix: Strength = 0.0
    """CutMix' alpha (Yun et al. 2019); with mixup, each batch takes one of the two."""
