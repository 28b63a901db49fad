"""The parts of a training recipe → records: data, augmentation, optimizer, schedule, warm-up."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Rate = Annotated[float, Field(gt=0, le=100)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Length = Annotated[float, Field(gt=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Record(BaseModel):
    """A mapping of the `train:` section: no unknown keys, no conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


# ---- data ----------------------------------------------------------------------------------------


class Digits(Record):
    """scikit-learn's 1,797 handwritten digits of 8x8, which come with it; a fifth of each class is for
    testing.
    """

    set: Literal["digits"] = "digits"
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    split_seed: Seed = 0
    size: Annotated[int, Field(ge=8, le=256)] = 8  # enlarged by bilinear interpolation
    channels: Literal[1, 3] = 1


class Cifar(Record):
    """CIFAR-10 or -100 from an official archive (python or binary version), or its folder."""

    set: Literal["cifar10", "cifar100"]
    path: str = "data"
    held_out: Annotated[int, Field(ge=0, le=45_000)] = 0  # taken from the training set to watch; 0 watches the test set
    split_seed: Seed = 0


class Folder(Record):
    """Images in a folder per class: `path/train/class/*.jpg`, `path/val/class/*.jpg` (ImageNet's tree)."""

    set: Literal["folder"]
    path: str
    train: str = "train"
    validation: str = "val"
    resize: Annotated[int, Field(ge=1, le=4096)] | None = None  # shorter side before the centre crop; None: 8/7 of it
    unreadable: Annotated[float, Field(ge=0, le=1)] = 0.001  # the share of files that may turn out broken


class Shards(Record):
    """Plain tar files of `key.jpg` (or png, …) and `key.cls`, the class as a number: webdataset's form, for large sets.

    `{000..123}` in a name stands for the numbers from the first to the last.
    """

    set: Literal["shards"]
    path: str
    train: str = "train-{000000..000099}.tar"
    validation: str = "val-{000000..000009}.tar"
    resize: Annotated[int, Field(ge=1, le=4096)] | None = None  # as of a folder
    unreadable: Annotated[float, Field(ge=0, le=1)] = 0.001


class Synthetic(Record):
    """Seeded noise around one pattern for each class: for speed tests, and learnable."""

    set: Literal["synthetic"]
    samples: Count = 1024
    validation: Count = 256
    classes: Annotated[int, Field(ge=2, le=100_000)] | None = None  # None: what the net puts out
    noise: Annotated[float, Field(ge=0, le=10)] = 0.5
    seed: Seed = 0


Data = Annotated[Digits | Cifar | Folder | Shards | Synthetic, Field(discriminator="set")]

# ---- augmentation --------------------------------------------------------------------------------


class PadCrop(Record):
    """`cells` zeros on each side, then a random crop of the image's own size (He et al. 2016, section 4.2:
    4).
    """

    kind: Literal["pad"]
    cells: Annotated[int, Field(ge=1, le=64)]


class AreaCrop(Record):
    """A random part of the image, by area and aspect, resized to the net's input (Szegedy et al. 2015,
    section 6).
    """

    kind: Literal["area"]
    area: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (0.08, 1.0)
    aspect: tuple[Annotated[float, Field(gt=0, le=10)], Annotated[float, Field(gt=0, le=10)]] = (0.75, 4 / 3)

    @field_validator("area", "aspect")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError(f"the smaller number comes first: [{value[1]}, {value[0]}]")
        return value


class SideCrop(Record):
    """The shorter side resized to a random length in `side`, then a random crop (He et al. 2016, section
    3.4).
    """

    kind: Literal["side"]
    side: tuple[Count, Count] = (256, 480)

    @field_validator("side")
    @classmethod
    def _ordered(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] > value[1]:
            raise ValueError(f"the smaller number comes first: [{value[1]}, {value[0]}]")
        return value


class RandAugment(Record):
    """`ops` random operations at `magnitude` of 10 (Cubuk et al. 2020)."""

    ops: Annotated[int, Field(ge=1, le=8)] = 2
    magnitude: Annotated[float, Field(gt=0, le=10)] = 9.0


class Augment(Record):
    """What is done to training images, each image by random numbers of its own.

    On pixels: the crop of a folder's images, randaugment, lighting. After normalization, where zeros are the
    mean: rotate, zoom and shift, the crop of sets in memory, flip, cutout, and mixup or cutmix.
    """

    crop: Annotated[PadCrop | AreaCrop | SideCrop, Field(discriminator="kind")] | None = None
    flip: bool = False  # left-right, half of the images
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0  # degrees to either side
    zoom: Share = 0.0  # relative, to either side
    shift: Annotated[float, Field(ge=0, le=64)] = 0.0  # pixels to each side
    randaugment: RandAugment | None = None
    lighting: Annotated[float, Field(ge=0, le=1)] = 0.0  # standard deviation of AlexNet's PCA noise on RGB (0.1)
    cutout: Annotated[int, Field(ge=0, le=1024)] = 0  # side of the square that is blanked (DeVries, Taylor 2017)
    mixup: Annotated[float, Field(ge=0, le=10)] = 0.0  # alpha (Zhang et al. 2018)
    cutmix: Annotated[float, Field(ge=0, le=10)] = 0.0  # alpha (Yun et al. 2019); with mixup, each batch takes one


# ---- optimization --------------------------------------------------------------------------------

Decayless = Literal["norm", "bias", "scale"]


class Sgd(Record):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    lr: Rate
    momentum: Share = 0.9
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    no_decay: tuple[Decayless, ...] = ()

    @field_validator("nesterov")
    @classmethod
    def _needs_momentum(cls, value: bool, info: Any) -> bool:
        if value and info.data.get("momentum") == 0:
            raise ValueError("Nesterov's step needs a momentum above 0")
        return value


class AdamW(Record):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019)."""

    name: Literal["adamw"]
    lr: Rate
    betas: tuple[Share, Share] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.01
    no_decay: tuple[Decayless, ...] = ()


Optimizer = Annotated[Sgd | AdamW, Field(discriminator="name")]


class Constant(Record):
    """One learning rate throughout."""

    kind: Literal["constant"] = "constant"


class Steps(Record):
    """The learning rate times `factor` at each length of `at`."""

    kind: Literal["steps"]
    at: Annotated[tuple[Length, ...], Field(min_length=1, max_length=100)]
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1

    @field_validator("at")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(a >= b for a, b in pairwise(value)):
            raise ValueError("the lengths must rise from one to the next")
        return value


class Cosine(Record):
    """Half a cosine from lr down to `end` of it, after the warm-up (Loshchilov, Hutter 2017, without
    restarts).
    """

    kind: Literal["cosine"]
    end: Share = 0.0


class Linear(Record):
    """A straight line from lr down to `end` of it, after the warm-up."""

    kind: Literal["linear"]
    end: Share = 0.0


class OneCycle(Record):
    """Up from `start` of lr over the share `rise` of the run, then down to `end` of it, by cosines (Smith
    2018).
    """

    kind: Literal["one-cycle"]
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: Annotated[float, Field(gt=0, le=1)] = 0.04
    end: Share = 0.0


class Plateau(Record):
    """The learning rate times `factor` where the validation error fell in none of `patience` evaluations."""

    kind: Literal["plateau"]
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    patience: Count = 5


Schedule = Annotated[Constant | Steps | Cosine | Linear | OneCycle | Plateau, Field(discriminator="kind")]


class Ramp(Record):
    """A straight line from `start` of lr up to lr over `length`."""

    kind: Literal["linear"]
    length: Length
    start: Share = 0.0


class Hold(Record):
    """A constant `lr` for `length` (He et al. 2016b, appendix: 0.01 for 400 iterations)."""

    kind: Literal["hold"]
    lr: Rate
    length: Length


class UntilError(Record):
    """A constant `lr` until the training error of the last `window` steps is under `error` percent (section
    4.2).
    """

    kind: Literal["until"]
    lr: Rate
    error: Annotated[float, Field(gt=0, lt=100)]
    window: Count = 100


Warmup = Annotated[Ramp | Hold | UntilError, Field(discriminator="kind")]


class Progressive(Record):
    """Images of these shorter sides over the share `until` of the run, then whole ones (Tan, Le 2021, section 4)."""

    sides: Annotated[tuple[Annotated[int, Field(ge=4, le=4096)], ...], Field(min_length=1, max_length=5)]
    until: Annotated[float, Field(gt=0, le=1)] = 0.8

    @field_validator("sides")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(a >= b for a, b in pairwise(value)):
            raise ValueError("the sides must rise from one to the next")
        return value


class Ema(Record):
    """An exponential moving average of the weights, which is what is evaluated and exported."""

    decay: Annotated[float, Field(gt=0, lt=1)]
    every: Count = 1  # steps
