"""What a recipe trains on: the sets, each with where it is and how much of it is held out."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from ...ops.base import Shape
from ..record import Record
from .base import (
    NO_OFF,
    Count,
    Filter,
    Off,
    ProperShare,
    Seed,
    Share,
    Strength,
)

EVERY = frozenset({"label", "labels", "number", "map", "itself"})
"""All kinds of `target:`."""
DIGITS = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
"""Images of each digit."""
CIFAR = 50_000
"""Images of CIFAR's training part, as many of each class."""
Interpolation = Annotated[Filter | None, NO_OFF]
ShorterSide = Annotated[Annotated[int, Meta(ge=1, le=4096)] | None, NO_OFF]
Unreadable = Annotated[float, Meta(ge=0, le=1), Off(0.0)]


def _left(count: int, share: float) -> int:
    """What of a class is not held out, of which at least one is."""
    return count - max(1, round(count * share))


class DataSource(Record):
    """A data set, with what is known of it before it is read: None where only reading tells."""

    made: ClassVar[str] = ""
    """How the images come to be, where they are not read from a path."""
    targets: ClassVar[frozenset[str]] = frozenset({"label", "itself"})
    """The kinds of `target:` that it has something for."""
    by_name: ClassVar[bool] = False
    """Whether labels number the classes in the order of their names."""
    feeds_names: ClassVar[bool] = False
    """Whether it feeds a net of several inputs, each by its name."""
    parted: ClassVar[bool] = False
    """Whether `validation` names its part, so that another can be scored."""
    set: str

    @property
    def title(self) -> str:
        """What the set is called in reports."""
        return self.set

    @property
    def shape(self) -> Shape | None:
        """Of one image, (channels, height, width)."""
        return None

    @property
    def class_count(self) -> int | None:
        """How many classes there are."""
        return None

    def counts(self, outputs: int) -> tuple[int, int] | None:
        """Images for training and for validation, for a net with so many `outputs`."""
        return None


class Digits(DataSource):
    """1,797 handwritten digits of 8x8 (UCI), which come with resgraph; a fifth of each class is for
    testing.
    """

    made = "come with resgraph"
    set: Literal["digits"] = "digits"
    test: ProperShare = 0.2
    """Share of each class that is for testing."""
    split_seed: Seed = 0
    """Random seed of that split."""
    size: Annotated[int, Meta(ge=8, le=256)] = 8
    """Side of the images, in pixels, enlarged by bilinear interpolation."""
    channels: Literal[1, 3] = 1
    """1, or 3 equal ones."""

    @property
    def shape(self) -> Shape:
        """Of one image, (channels, height, width)."""
        return self.channels, self.size, self.size

    @property
    def class_count(self) -> int:
        """Ten."""
        return len(DIGITS)

    def counts(self, outputs: int) -> tuple[int, int]:
        """Images for training and for testing."""
        train = sum(_left(count, self.test) for count in DIGITS)
        return train, sum(DIGITS) - train


class Cifar(DataSource):
    """CIFAR-10 or -100 from an official archive (python or binary version), or its folder."""

    set: Literal["cifar10", "cifar100"]
    path: str = "data"
    """Folder of the archive, or the archive."""
    held_out: Annotated[int, Meta(ge=0, le=45_000)] = 0
    """Training images that are held out to validate on; 0 validates on the test set."""
    split_seed: Seed = 0
    """Random seed of which are held out."""

    @property
    def title(self) -> str:
        """What the set is called in reports."""
        return {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}[self.set]

    @property
    def shape(self) -> Shape:
        """Of one image, (channels, height, width)."""
        return 3, 32, 32

    @property
    def class_count(self) -> int:
        """10 or 100."""
        return {"cifar10": 10, "cifar100": 100}[self.set]

    def counts(self, outputs: int) -> tuple[int, int]:
        """Images for training, and those that are held out or else for testing."""
        if not self.held_out:
            return CIFAR, 10_000
        each = CIFAR // self.class_count
        train = self.class_count * _left(each, self.held_out / CIFAR)
        return train, CIFAR - train


class Idx(DataSource):
    """MNIST, Fashion-MNIST, KMNIST and others of their form: the official idx files of both parts,
    packed with gzip or not.
    """

    set: Literal["idx"]
    path: str = "data"
    """Folder of the four files, `train-images-idx3-ubyte` and so on."""
    held_out: Share = 0.0
    """Share of each class's training images that is held out to validate on; 0 validates on the
    test set."""
    split_seed: Seed = 0
    """Random seed of which are held out."""
    pad: Annotated[int, Meta(ge=0, le=64)] = 0
    """Black pixels on each side: 2 make 28x28 into 32x32."""
    channels: Literal[1, 3] = 1
    """1, or 3 equal ones."""


class Listed(DataSource):
    """Images that CSV files name, a row each below a line of titles: `path,label`, with words or
    numbers as labels; or several labels, numbers, or the paths of masks."""

    targets = EVERY
    by_name = True
    feeds_names = True
    parted = True
    set: Literal["list"]
    path: str
    """The folder of the lists, from which the paths in them count."""
    train: str = "train.csv"
    """The list of training images."""
    validation: str = "val.csv"
    """The list of validation images."""
    split: Share = 0.0
    """Share of the training list (of each class) that is held out to validate on, in place of a
    list of its own."""
    split_seed: Seed = 0
    """Random seed of which are held out."""
    image: str = "path"
    """The column of the images' paths."""
    label: str | tuple[str, ...] = "label"
    """The column of labels, of numbers, or of the paths of masks; or several columns of numbers, or
    of 0 and 1 for a class each."""
    inputs: Annotated[dict[str, tuple[str, ...]] | None, NO_OFF] = None
    """The columns of each further input of the net; by default the column of its name."""
    resize: ShorterSide = None
    """As of a folder."""
    interpolation: Interpolation = None
    """As of a folder."""
    exif: bool = False
    """As of a folder."""
    unreadable: Unreadable = 0.001
    """As of a folder."""


class Folder(DataSource):
    """Images in a folder per class: `path/train/class/*.jpg`, `path/val/class/*.jpg` (ImageNet's
    tree)."""

    by_name = True
    parted = True
    set: Literal["folder"]
    path: str
    """The folder of both parts."""
    train: str = "train"
    """Its subfolder of training images, with a folder per class."""
    validation: str = "val"
    """Its subfolder of validation images."""
    split: Share = 0.0
    """Share of each class's training images that is held out to validate on, in place of a
    subfolder of their own; without `path/train`, the classes are folders in `path`."""
    split_seed: Seed = 0
    """Random seed of which are held out."""
    resize: ShorterSide = None
    """Shorter side before the centre crop of validation images, in pixels; by default as the
    weights state it that a run starts from, else 8/7 of the input's."""
    interpolation: Interpolation = None
    """Filter by which images are resized; by default as those weights state it, else bilinear."""
    exif: bool = False
    """Turn images as their EXIF orientation says; else they are as they are stored."""
    unreadable: Unreadable = 0.001
    """Largest share of image files that may fail to decode before the run stops."""


class ImageNet(DataSource):
    """ImageNet (ILSVRC 2012) as it is downloaded: a folder per class to train on, and the
    validation images in one folder, with a file of their classes."""

    by_name = True
    parted = True
    set: Literal["imagenet"]
    path: str
    """The folder of both parts, or of Kaggle's archive."""
    train: str = "train"
    """As of a folder."""
    validation: str = "val"
    """Its subfolder of validation images, flat or with a folder per class."""
    truth: Annotated[str | None, NO_OFF] = None
    """The classes of the validation images, where they are flat: Kaggle's .csv, the devkit's
    ground truth (beside its meta.mat), or a list of names and classes; by default one of those by
    its official name."""
    resize: ShorterSide = None
    """As of a folder."""
    interpolation: Interpolation = None
    """As of a folder."""
    exif: bool = False
    """As of a folder."""
    unreadable: Unreadable = 0.001
    """As of a folder."""


class Shards(DataSource):
    """Tar files of `key.jpg` (or png, …) and `key.cls`, the class as a number or by its name in
    `classes.txt`: webdataset's form, for large sets. What gzip packed is unpacked once, into a
    cache.

    `{000..123}` in a name stands for the numbers from the first to the last.
    """

    parted = True
    set: Literal["shards"]
    path: str
    """The folder of the tar files."""
    train: str = "train-{000000..000099}.tar"
    """Names of the training shards."""
    validation: str = "val-{000000..000009}.tar"
    """Names of the validation shards."""
    label: str = "cls"
    """The ending of the files of classes; of JSON with a key in it, as in `json.label`."""
    resize: ShorterSide = None
    """As of a folder."""
    interpolation: Interpolation = None
    """As of a folder."""
    unreadable: Unreadable = 0.001
    """As of a folder."""


class Parquet(DataSource):
    """Parquet files as the Hugging Face hub has them: the bytes of an image and its class in each
    row, and the names of the classes in the file (extra `parquet`).

    The images are unpacked once, into a cache from which they are read in any order."""

    parted = True
    set: Literal["parquet"]
    path: str
    """The folder of the files; they may lie in its subfolder `data`."""
    train: str = "train*.parquet"
    """Names of the training files, `*` for anything."""
    validation: str = "validation*.parquet"
    """Names of the validation files."""
    split: Share = 0.0
    """Share of each class of the training files that is held out to validate on, in place of files
    of their own."""
    split_seed: Seed = 0
    """Random seed of which are held out."""
    image: str = "image"
    """The column of images."""
    label: str = "label"
    """The column of classes, as numbers or as words."""
    resize: ShorterSide = None
    """As of a folder."""
    interpolation: Interpolation = None
    """As of a folder."""
    exif: bool = False
    """As of a folder."""
    unreadable: Unreadable = 0.001
    """As of a folder."""


class Arrays(DataSource):
    """NumPy arrays in one .npz file, or in the .npy files of a folder: images, series (channels x
    length), volumes or vectors, with their labels, numbers or masks. MedMNIST's files as they are.

    An array is named by its part and by what it has, in either order: `train_images`, `y_test`.
    """

    targets = EVERY
    feeds_names = True
    parted = True
    set: Literal["arrays"]
    path: str
    """The .npz file, or the folder."""
    train: str = "train"
    """What names the training part."""
    validation: str = "val"
    """What names the validation part."""
    images: str = "images"
    """What names the arrays of images, channels first or last; 8 bits count to 255, 16 bits to
    65535, other numbers are taken as they are."""
    labels: str = "labels"
    """What names the arrays of labels, numbers or masks."""
    split: Share = 0.0
    """Share of the training part (of each class) that is held out to validate on, where there is
    no validation part."""
    split_seed: Seed = 0
    """Random seed of which are held out."""


class Synthetic(DataSource):
    """Seeded noise around one pattern for each class: for speed tests, and learnable."""

    made = "are made from a seed"
    set: Literal["synthetic"]
    samples: Count = 1024
    """Training images."""
    validation: Count = 256
    """Validation images."""
    classes: Annotated[
        Annotated[int, Meta(ge=2, le=100_000)] | None, NO_OFF
    ] = None
    """Number of classes; by default as many as the net puts out."""
    noise: Strength = 0.5
    """Standard deviation of the noise."""
    seed: Seed = 0
    """Random seed of the images."""

    @property
    def class_count(self) -> int | None:
        """As many as asked for, or what the net puts out."""
        return self.classes

    def counts(self, outputs: int) -> tuple[int, int]:
        """Images for training, at least one of each class, and for validation."""
        return max(self.samples, self.classes or outputs), self.validation


OnDisk = Folder | ImageNet | Listed | Parquet | Shards
"""Sets of image files, which are decoded and cropped as they are asked for."""
Data = Digits | Cifar | Idx | Arrays | OnDisk | Synthetic
