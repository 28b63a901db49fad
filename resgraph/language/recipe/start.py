"""What a recipe starts from: weights, what of the net is frozen, how fast each part learns, and
when a run ends before its length."""

from typing import Annotated, Literal

from msgspec import Meta

from ...ops.base import FiniteNumber
from ..record import Forms, Info, Record, validator
from .base import NO_OFF, Off, PositiveShare, RateFactor

ALL_BUT = "all but "
"""What `freeze` says before the one part that learns."""
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of ImageNet's channels in [0, 1], as torchvision and timm have them."""


class StartingWeights(Record):
    """Weights to start from, where their name alone does not tell all."""

    file: str
    """A file, a run, `hf-hub:OWNER/NAME` or `torchvision:NAME`."""
    key: str | None = None
    """Which state dict of a checkpoint, as `model_ema`; by default an average before what it
    averages."""
    map: str | None = None
    """A YAML file of names, ours to theirs, where order, shape and names leave two readings."""


class Whiten(Record):
    """A first convolution whose weights are taken from the training images, so that what it gives
    is white (Jordan 2024, arXiv 2404.00498), and stay as they are; its bias learns."""

    layer: str
    """The convolution: its name, as weights have it."""
    images: Annotated[int, Meta(ge=1, le=1_000_000)] = 5000
    """Training images of which patches are taken, the first ones."""
    eps: PositiveShare = 5e-4
    """Added to each eigenvalue."""


class Rates(Record):
    """Factors of the learning rate: of each block by its depth, and of parts by name."""

    decay: Annotated[float, Meta(gt=0, le=1), Off(1.0)] = 1.0
    """Factor for each block that stands behind a part, up to the end of the net (layer-wise
    decay)."""
    by: dict[str, RateFactor] = {}
    """Factors by the names of rows, blocks, paths or modules, on top; the longest name counts."""


class ChannelNorm(Record):
    """Mean and standard deviation of each channel, of pixels in [0, 1]."""

    mean: tuple[FiniteNumber, ...]
    """Mean of each channel."""
    std: tuple[RateFactor, ...]
    """Standard deviation of each channel."""

    @validator("std")
    @staticmethod
    def _as_many(value: tuple[float, ...], info: Info) -> tuple[float, ...]:
        if len(value) != len(info.data.get("mean", value)):
            raise ValueError("one number for each of `mean`")
        return value


_word_or_keys = Forms(lambda given: isinstance(given, dict | Record))
_word_or_list = Forms(lambda given: isinstance(given, list | tuple))


Measured = Literal["per-channel", "per-pixel", "scale"]
_Word = Literal[
    "per-channel", "per-pixel", "scale", "measured", "weights", "imagenet"
]
Normalize = Annotated[
    Annotated[_Word | ChannelNorm, _word_or_keys] | None,
    NO_OFF,
]
WrittenWeights = Annotated[str | StartingWeights, _word_or_keys]
Parts = Annotated[str | tuple[str, ...], _word_or_list]


def parts_of(
    words: tuple[str, ...],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts that `freeze` names, and those that it excepts from all."""
    kept = tuple(
        word.removeprefix(ALL_BUT).strip()
        for word in words
        if word.startswith(ALL_BUT)
    )
    return tuple(
        word for word in words if not word.startswith(ALL_BUT)
    ), kept


def lies_in(name: str, parts: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of these parts, or stands within one."""
    return any(f"{name}.".startswith(f"{part}.") for part in parts)


def is_frozen(name: str, words: tuple[str, ...]) -> bool:
    """Whether `freeze` means the module or the entry of this name."""
    named, kept = parts_of(words)
    return lies_in(name, named) or (bool(kept) and not lies_in(name, kept))
