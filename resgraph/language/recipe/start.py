"""What a recipe starts from: weights, what of the net is frozen, how fast each part learns, and
when a run ends before its length."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from ..record import Record
from .base import NO_OFF, Off

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
    images: Annotated[int, Field(ge=1, le=1_000_000)] = 5000
    """Training images of which patches are taken, the first ones."""
    eps: Annotated[float, Field(gt=0, le=1)] = 5e-4
    """Added to each eigenvalue."""


class Rates(Record):
    """Factors of the learning rate: of each block by its depth, and of parts by name."""

    decay: Annotated[float, Field(gt=0, le=1), Off(1.0)] = 1.0
    """Factor for each block that stands behind a part, up to the end of the net (layer-wise
    decay)."""
    by: dict[str, Annotated[float, Field(gt=0, le=1000)]] = Field(
        default={}
    )
    """Factors by the names of rows, blocks, paths or modules, on top; the longest name counts."""


class ChannelNorm(Record):
    """Mean and standard deviation of each channel, of pixels in [0, 1]."""

    mean: tuple[float, ...]
    """Mean of each channel."""
    std: tuple[Annotated[float, Field(gt=0, le=1000)], ...]
    """Standard deviation of each channel."""

    @field_validator("std")
    @classmethod
    def _as_many(
        cls, value: tuple[float, ...], info: Any
    ) -> tuple[float, ...]:
        if len(value) != len(info.data.get("mean", value)):
            raise ValueError("one number for each of `mean`")
        return value


def _keys_or_word(given: Any) -> str:
    """Which form a value has is known by what it is, so that one mistake is one error."""
    return "keys" if isinstance(given, dict | Record) else "word"


def _list_or_word(given: Any) -> str:
    return "list" if isinstance(given, list | tuple) else "word"


Measured = Literal["per-channel", "per-pixel", "scale"]
_Word = Literal[
    "per-channel", "per-pixel", "scale", "measured", "weights", "imagenet"
]
Normalize = Annotated[
    Annotated[
        Annotated[_Word, Tag("word")] | Annotated[ChannelNorm, Tag("keys")],
        Discriminator(_keys_or_word),
    ]
    | None,
    NO_OFF,
]
WrittenWeights = Annotated[
    Annotated[str, Tag("word")] | Annotated[StartingWeights, Tag("keys")],
    Discriminator(_keys_or_word),
]
Parts = Annotated[
    Annotated[str, Tag("word")] | Annotated[tuple[str, ...], Tag("list")],
    Discriminator(_list_or_word),
]


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
