"""What a data set is once it is read: images in memory as uint8, or images that are decoded as they
are asked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy
import torch
from msgspec.structs import replace
from torch import Tensor

from ...counting import counted
from ...errors import TrainingError
from ...language.recipe.base import Filter
from ...language.recipe.target import LABEL, AnyGoal, SingleLabel
from ...ops.base import Shape
from ...passes.data_fit import other_images
from ...passes.target_fit import other_output
from ...structs import Frozen
from .formats.index_cache import Index


class Request(Frozen):
    """What a loader goes by: the net's `input` and `output` shapes, where the set is, whether only
    its images are `counted`, or its validation part is `scored`, and the inputs `beside` the
    images, by name."""

    input: Shape
    output: Shape
    path: Path
    target: AnyGoal = LABEL
    counted: bool = False
    scored: bool = False
    beside: Mapping[str, Shape] = {}


MOST_CLASSES = 2**15
"""What a label may count to."""
TO_SPLIT = "; where there is no such part, `train.data.split: 0.1` holds out a tenth of the other"
"""What is said of a validation part that lacks."""
NAMED = "classes.txt"
"""A file beside the images that names their classes, a line each."""


class UnfitError(TrainingError):
    """The net is not one for these images or classes: what is wrong and what to do, of each (""
    where nothing is)."""

    def __init__(
        self, images: tuple[str, str], classes: tuple[str, str]
    ) -> None:
        super().__init__("; ".join(images if images[0] else classes))
        self.images, self.classes = images, classes


class Resident(Frozen):
    """Images in memory: `images` (n, channels, height, width) uint8, `labels` (n,) int64.

    Images of other sets may be vectors, series or volumes, and floats. Labels may be what any task
    asks for; masks are int16. `beside` has what else a net reads of each image, (n, …) each."""

    images: Tensor
    labels: Tensor
    beside: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Of the pixels and labels."""
        return _digest(
            map(_bytes, (self.images, self.labels, *self.beside))
        )

    def part(self, rows: Tensor | slice) -> Resident:
        """Some of the images."""
        beside = tuple(one[rows] for one in self.beside)
        return Resident(self.images[rows], self.labels[rows], beside)


class Files(Frozen):
    """Images on disk, one path and one label each. Where their labels are `masks`, those are paths
    too, and `labels` (n,) says of none that it is unknown."""

    paths: tuple[Path, ...]
    labels: Tensor
    root: Path
    masks: tuple[Path, ...] = ()
    beside: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def part(self, rows: Tensor) -> Files:
        """Some of the images."""
        some = rows.tolist()
        return Files(
            tuple(self.paths[row] for row in some),
            self.labels[rows],
            self.root,
            tuple(self.masks[row] for row in some) if self.masks else (),
            tuple(one[rows] for one in self.beside),
        )

    def digest(self) -> str:
        """Of the names below `root`, in order: another one where an image was added, removed or
        renamed."""
        root = os.fspath(self.root)
        names = (
            os.path.relpath(path, root).encode("utf-8", "surrogateescape")
            for path in (*self.paths, *self.masks)
        )
        return _digest((*names, *map(_bytes, self.beside)))

    def source(self, index: int) -> Path:
        """What an image is opened from."""
        return self.paths[index]

    def name(self, index: int) -> str:
        """What an image is called."""
        return str(self.paths[index])


class Packed(Frozen):
    """Images within larger files: for each its shard, where it begins there, its bytes, and its
    label; (n,) int64. Where the shards were unpacked from other files, `origin` has those and `row`
    the place of each image there."""

    shards: tuple[Path, ...]
    shard: Tensor
    start: Tensor
    size: Tensor
    labels: Tensor
    beside: tuple[Tensor, ...] = ()
    origin: tuple[Path, ...] = ()
    row: Tensor | None = None
    masks: ClassVar[tuple[Path, ...]] = ()

    @classmethod
    def joined(
        cls,
        shards: Sequence[Path],
        indices: Sequence[Index],
        origin: Sequence[Path],
    ) -> Packed:
        """By the index of each shard."""
        rows = torch.from_numpy(numpy.concatenate(indices))
        counts = torch.tensor([*map(len, indices)])
        number = torch.repeat_interleave(torch.arange(len(indices)), counts)
        start, size, label = (
            rows[:, column].contiguous() for column in range(3)
        )
        return cls(
            tuple(shards), number, start, size, label, origin=tuple(origin)
        )

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, rows: Tensor) -> Packed:
        """Some of the images."""
        return replace(
            self,
            shard=self.shard[rows],
            start=self.start[rows],
            size=self.size[rows],
            labels=self.labels[rows],
            beside=tuple(one[rows] for one in self.beside),
            row=None if self.row is None else self.row[rows],
        )

    def digest(self) -> str:
        """Of the shards' names, and of each image's place and label."""
        files = self.origin or self.shards
        names = [
            file.name.encode("utf-8", "surrogateescape") for file in files
        ]
        rows = [
            part.numpy().tobytes()
            for part in (self.shard, self.start, self.size, self.labels)
        ]
        return _digest([*names, *rows])

    def source(self, index: int) -> BytesIO:
        """The bytes of an image."""
        with self.shards[int(self.shard[index])].open("rb") as file:
            file.seek(int(self.start[index]))
            return BytesIO(file.read(int(self.size[index])))

    def name(self, index: int) -> str:
        """Where an image is."""
        shard = int(self.shard[index])
        if self.row is not None:
            return f"{self.origin[shard]}, row {int(self.row[index])}"
        file = (self.origin or self.shards)[shard]
        return f"{file} at byte {int(self.start[index]):,}"


def side_before_crop(resize: int | None, shape: Shape) -> int:
    """The shorter side of an image on disk before its middle is cut out: 8/7 of it, unless the
    recipe says."""
    return resize or round(min(shape[1:], default=0) * 8 / 7)


def blank(count: int, shape: Shape) -> Tensor:
    """Images that take no memory."""
    return torch.zeros(1, *shape, dtype=torch.uint8).expand(count, *shape)


def nothing() -> Files:
    """A part without images."""
    return Files((), torch.zeros(0, dtype=torch.int64), Path())


def _bytes(values: Tensor) -> bytes:
    return values.contiguous().numpy().tobytes()


def _digest(parts: Iterable[bytes]) -> str:
    """SHA-256, each part with its length."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()


ClassNames = tuple[str, ...]
"""What classes are called, or the numbers of a regression, in their order."""


class DataSet(Frozen):
    """Two parts and what is true of both. `levels` is the largest value of a pixel; `about` says
    where it is from."""

    name: str
    train: Resident | Files | Packed
    validation: Resident | Files | Packed
    classes: ClassNames
    shape: Shape
    about: str
    levels: int = 255
    watched: str = "test"  # what the validation part is called in reports
    # shorter side before the centre crop, of images on disk
    resize: int | None = None
    way: Filter = "bilinear"  # by which those are resized
    flat: bool = False  # the net reads vectors: an image row by row
    notes: tuple[str, ...] = ()  # what was left out, for the reader
    target: AnyGoal = LABEL  # what of each image is learned
    # images on disk are turned as their EXIF orientation says
    exif: bool = False
    lead: int = 0  # the place of the images among the inputs of the net
    # where it was read, absolute; None where it is not from a path
    path: Path | None = None

    def check(
        self, shape: Shape, output: Shape, *, scored: bool = False
    ) -> None:
        """Raises `TrainingError` where the net and the set do not fit, or a part is empty or has
        labels out of range. The training part of a set that is only `scored` may be empty."""
        self._check_first(output)
        self.fit(shape, output)
        for part, what in (
            (self.train, "training"),
            (self.validation, self.watched),
        ):
            if not (scored and part is self.train):
                self._check_part(part, what)

    def _check_first(self, output: Shape) -> None:
        """Raises `TrainingError` where the labels are those that the net puts out, counted from
        1."""
        if not isinstance(self.target, SingleLabel) or not len(self.train):
            return
        first, last = map(int, self.train.labels.aminmax())
        if (first, last) == (1, *output):
            raise TrainingError(
                f"{self.name} has labels from 1 to {last}, and classes count from 0: take 1 from"
                " each label"
            )

    def fit(self, shape: Shape, output: Shape) -> None:
        """Raises `UnfitError` where the net does not fit the images or the classes."""
        images = other_images(self.name, self.shape, shape)
        count = len(self.classes) or None
        classes = other_output(self.target, self.name, count, shape, output)
        if images[0] or classes[0]:
            raise UnfitError(images, classes)

    def _check_part(
        self, part: Resident | Files | Packed, what: str
    ) -> None:
        if not len(part):
            raise TrainingError(
                f"the {what} part of {self.name} is empty: add images; a `split` takes at least one"
                " of each class from those to train on"
            )
        if isinstance(self.target, SingleLabel):
            self._check_labels(part, what)

    def _check_labels(
        self, part: Resident | Files | Packed, what: str
    ) -> None:
        low, high = int(part.labels.min()), int(part.labels.max())
        if low < 0 or high >= len(self.classes):
            raise TrainingError(
                f"{self.name} has labels from {low} to {high:,}, but"
                f" {counted(len(self.classes), 'class')}: they count from 0, to"
                f" {MOST_CLASSES - 1:,} at most, and where there is {NAMED} each is a line of it"
            )
        count = torch.bincount(part.labels, minlength=len(self.classes))
        if what == "training" and int(count.min()) == 0:
            empty = (count == 0).nonzero().flatten()[:5]
            raise TrainingError(
                f"{self.name} has no training image of class"
                f" {', '.join(map(self._untrained, empty))}; add some, or leave the class out:"
                " classes are numbered without a gap, and the net puts out one number for each"
            )

    def _untrained(self, label: Tensor) -> str:
        """A class without training images, and how many it has to validate on."""
        held = int((self.validation.labels == label).sum())
        return self.classes[int(label)] + (
            f" ({held:,} to validate on)" if held else ""
        )


def stratified(
    labels: Tensor, share: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Indices of the larger and the smaller part, to which `share` of each class (at least one)
    goes."""
    from ..rng import key, permutation

    none = labels.new_empty(0)
    kept, taken = [none], [none]
    # a label may be any number
    for label in torch.unique(labels).tolist():
        members = (labels == label).nonzero().flatten()
        members = members[
            permutation(key(seed, "split", label), len(members))
        ]
        count = max(1, round(len(members) * share))
        taken.append(members[:count])
        kept.append(members[count:])
    return torch.cat(kept).sort().values, torch.cat(taken).sort().values


Divided = TypeVar("Divided", Resident, Files, Packed)


def held_out(
    train: Divided, share: float, seed: int
) -> tuple[Divided, Divided]:
    """A training part → what is left of it, and `share` of each class to validate on, or of all
    where images have no single class."""
    labels = train.labels
    classes = labels.ndim == 1 and not labels.is_floating_point()
    if not classes or (labels < 0).any():
        labels = torch.zeros(len(train), dtype=torch.int64)
    kept, held = stratified(labels, share, seed)
    return train.part(kept), train.part(held)


def class_names(
    request: Request, *parts: Resident | Files | Packed
) -> ClassNames:
    """The lines of `classes.txt` in a folder, else numbers: of each class that the net puts out, or
    that a label says. Raises `TrainingError` at a label beyond those that are named."""
    said = [int(part.labels.max()) for part in parts if len(part)]
    largest = max(said, default=0)
    # beyond, it is no class
    needed = largest + 1 if largest < MOST_CLASSES else 0
    names = names_of(request.path, max(request.output[0], needed))
    if needed > len(names):
        raise TrainingError(
            f"{request.path / NAMED} names {counted(len(names), 'class')}, but a label is"
            f" {largest}; they count from 0"
        )
    return names


def beside_split(place: Path | str, share: float) -> tuple[str, ...]:
    """The note on a validation part that is there, where a share of the other is held out."""
    return (
        f"left out: {place}, as `split` holds out {share:g} of the training part to validate on;"
        " without `split` it would be validated on",
    )


def names_of(path: Path, count: int) -> ClassNames:
    """The lines of `classes.txt` in a folder, else so many numbers."""
    listed = path / NAMED
    if not listed.is_file():
        return tuple(map(str, range(count)))
    try:
        text = listed.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(
            f"{listed} cannot be read as UTF-8 text: {error}"
        ) from error
    names = tuple(text.removesuffix("\n").split("\n"))
    bare = [*map(str.strip, names)]
    if "" in bare:
        raise TrainingError(
            f"{listed}:{bare.index('') + 1} is empty, and each line names a class; take it out"
        )
    return names
