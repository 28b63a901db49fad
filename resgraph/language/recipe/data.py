"""What a recipe trains on: the sets, each with where it is and how much of it is held out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...ops.base import Shape
from .base import NO_OFF, Count, Off, Record, Seed

DIGITS = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
"""Images of each digit."""
CIFAR = 50_000
"""Images of CIFAR's training part, as many of each class."""


def _left(count: int, share: float) -> int:
    """What of a class is not held out, of which at least one is."""
    return count - max(1, round(count * share))


class Digits(Record):
    """1,797 handwritten digits of 8x8 (UCI), which come with resgraph; a fifth of each class is for
    testing.
    """

    set: Literal["digits"] = "digits"
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    split_seed: Seed = 0
    size: Annotated[int, Field(ge=8, le=256)] = 8  # enlarged by bilinear interpolation
    channels: Literal[1, 3] = 1

    @property
    def title(self) -> str:
        """What the set is called in reports."""
        return "digits"

    @property
    def shape(self) -> Shape:
        """Of one image, (channels, height, width)."""
        return self.channels, self.size, self.size

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(DIGITS)

    @property
    def images(self) -> int:
        """How many are for training."""
        return sum(_left(count, self.test) for count in DIGITS)


class Cifar(Record):
    """CIFAR-10 or -100 from an official archive (python or binary version), or its folder."""

    set: Literal["cifar10", "cifar100"]
    path: str = "data"
    held_out: Annotated[int, Field(ge=0, le=45_000)] = (
        0  # taken from the training set to watch; 0 watches the test set
    )
    split_seed: Seed = 0

    @property
    def title(self) -> str:
        """What the set is called in reports."""
        return {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}[self.set]

    @property
    def shape(self) -> Shape:
        """Of one image, (channels, height, width)."""
        return 3, 32, 32

    @property
    def classes(self) -> int:
        """How many there are."""
        return {"cifar10": 10, "cifar100": 100}[self.set]

    @property
    def images(self) -> int:
        """How many are for training."""
        each = CIFAR // self.classes
        return (
            self.classes * _left(each, self.held_out / CIFAR)
            if self.held_out
            else CIFAR
        )


class Folder(Record):
    """Images in a folder per class: `path/train/class/*.jpg`, `path/val/class/*.jpg` (ImageNet's
    tree)."""

    set: Literal["folder"]
    path: str
    train: str = "train"
    validation: str = "val"
    resize: Annotated[Annotated[int, Field(ge=1, le=4096)] | None, NO_OFF] = (
        None  # shorter side before the centre crop; None: 8/7 of it
    )
    unreadable: Annotated[float, Field(ge=0, le=1), Off(0.0)] = (
        0.001  # the share of files that may turn out broken
    )


class Shards(Record):
    """Plain tar files of `key.jpg` (or png, …) and `key.cls`, the class as a number: webdataset's
    form, for large sets.

    `{000..123}` in a name stands for the numbers from the first to the last.
    """

    set: Literal["shards"]
    path: str
    train: str = "train-{000000..000099}.tar"
    validation: str = "val-{000000..000009}.tar"
    resize: Annotated[Annotated[int, Field(ge=1, le=4096)] | None, NO_OFF] = (
        None  # as of a folder
    )
    unreadable: Annotated[float, Field(ge=0, le=1), Off(0.0)] = 0.001


class Synthetic(Record):
    """Seeded noise around one pattern for each class: for speed tests, and learnable."""

    set: Literal["synthetic"]
    samples: Count = 1024
    validation: Count = 256
    classes: Annotated[Annotated[int, Field(ge=2, le=100_000)] | None, NO_OFF] = (
        None  # None: what the net puts out
    )
    noise: Annotated[float, Field(ge=0, le=10)] = 0.5
    seed: Seed = 0


Data = Annotated[
    Digits | Cifar | Folder | Shards | Synthetic, Field(discriminator="set")
]
