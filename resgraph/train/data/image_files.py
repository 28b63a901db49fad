"""Image files → uint8 tensors, decoded and cropped by worker processes. Each image's random crop is
seeded by (epoch, index), so it does not depend on the number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...collecting import by_key
from ...counting import counted
from ...errors import TrainingError
from ...language.recipe import Train
from ...language.recipe.augment import AreaCrop, SideCrop
from ...language.recipe.data import OnDisk
from ...language.recipe.target import PixelLabel
from ..augment.crops import (
    CenterCrop,
    CropPolicy,
    ImageSize,
    RandomCrop,
    filtered,
)
from ..augment.progressive import decoded_size
from ..rng import key, permutation
from ..settings.decide import Decisions
from ..signals import ignore_in_worker
from .answers import UNKNOWN, mask_classes
from .formats import jpeg
from .formats.decoder import UNREADABLE, mode_of, open_image, open_mask
from .formats.jpeg import Jpeg
from .sets import DataSet, Files, Packed, Resident, side_before_crop
from .workers import watched


class Trouble(NamedTuple):
    """With an image, and why: it is `broken`, or only Pillow could decode it."""

    place: str
    why: str
    broken: bool


LoadedImage = tuple[tuple[Tensor, ...], Tensor, Trouble | None]
"""The views of an image, and its target, unknown where it is broken."""
SizeGroup = tuple[Tensor, Tensor]
"""Views of one size (k, channels, height, width), and for each the place of its image in the
batch."""
SAMPLED = 512
"""Training images of a folder whose mean and standard deviation stand for all of them."""


class _Part(Dataset[LoadedImage]):
    """Asked with (epoch, index); a broken file is gray, with label -100 and its name."""

    def __init__(
        self, files: Files | Packed, data: DataSet, policy: CropPolicy
    ) -> None:
        self.files, self.shape, self.policy = files, data.shape, policy
        self.exif, self.target, self.classes = (
            data.exif,
            data.target,
            len(data.classes),
        )

    def __getitem__(self, asked: tuple[int, int]) -> LoadedImage:
        epoch, number = asked
        # beyond are copies, each with its own crop
        index = number % len(self.files)
        place = self.files.name(index)
        try:
            views, whole, why = self._views(
                self.files.source(index), epoch, number
            )
            slow = Trouble(place, why, broken=False) if why else None
            if not self.files.masks:
                return views, self.files.labels[index], slow
            place = str(self.files.masks[index])
            return views, self._mask(whole, epoch, number), slow
        except UNREADABLE as error:
            size = getattr(self.policy, "size", self.shape[1:])
            gray = torch.full(
                (self.shape[0], *size), 128, dtype=torch.uint8
            )
            trouble = Trouble(place, f"{error}", broken=True)
            return (gray,), self._unknown(index), trouble

    def _views(
        self, source: Path | BytesIO, epoch: int, number: int
    ) -> tuple[tuple[Tensor, ...], ImageSize, str]:
        """Of an image, its width and height, and why only Pillow could decode it ("" of others)."""
        # a mask is cut as its image is, which must be whole for that
        least = None if self.files.masks else self.policy.min_side
        if isinstance(self.policy, RandomCrop) and not self.exif:
            data = (
                source.read_bytes()
                if isinstance(source, Path)
                else source.getvalue()
            )
            if whole := Jpeg.read(data, least):
                box = self.policy.box(whole.size, epoch, number)
                pixels, why = whole.part(box, mode_of(self.shape[0]))
                way = self.policy.drawn(epoch, number)
                return (
                    (filtered(pixels, self.policy.size, way),),
                    whole.size,
                    why,
                )
        image = open_image(source, self.shape[0], least, exif=self.exif)
        return self.policy(image, epoch, number), image.size, ""

    def _mask(self, size: ImageSize, epoch: int, number: int) -> Tensor:
        """(height, width) int16, cut as the image of this `size` is."""
        index = number % len(self.files)
        mask = open_mask(self.files.masks[index])
        if mask.size != size:
            raise ValueError("it is of another size than its image")
        (view,) = self.policy(mask, epoch, number)
        assert isinstance(self.target, PixelLabel)
        return mask_classes(view[0].numpy(), self.target, self.classes)

    def _unknown(self, index: int) -> Tensor:
        """The target of an image that cannot be read."""
        if self.files.masks:
            return torch.full(self.shape[1:], UNKNOWN, dtype=torch.int16)
        label = self.files.labels[index]
        return torch.full_like(
            label, torch.nan if label.is_floating_point() else UNKNOWN
        )


def center_crop_of(data: DataSet) -> CenterCrop:
    """The crop of validation images."""
    return CenterCrop(
        side_before_crop(data.resize, data.shape),
        (data.shape[1], data.shape[2]),
        data.way,
    )


class Decoded:
    """Batches from files. Counts the ones that are broken, and stops where there are too many."""

    def __init__(
        self, data: DataSet, train: Train, decisions: Decisions
    ) -> None:
        if isinstance(data.train, Resident) or isinstance(
            data.validation, Resident
        ):
            raise TypeError("decoding is for files")
        crop, still = train.augment.crop, center_crop_of(data)
        policy = (
            RandomCrop(
                crop, decoded_size(train, still.size), train.seed, data.way
            )
            if isinstance(crop, AreaCrop | SideCrop)
            else still
        )
        self.data = data
        self.device, self.workers = decisions.device, decisions.workers
        self.channels_last = decisions.channels_last
        self.files = (data.train, data.validation)
        self.policies: tuple[CropPolicy, CropPolicy] = (policy, still)
        self.share = (
            train.data.unreadable if isinstance(train.data, OnDisk) else 0.0
        )
        self.bound = self.share * (len(data.train) + len(data.validation))
        self.broken: set[str] = set()
        self.slow: dict[str, str] = {}
        self.reported: set[str] = set()

    def train(
        self, epoch: int, order: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of `order`, decoded, with the random crops of (epoch, index)."""
        return self._images(0, epoch, order)

    def validation(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of `order`, decoded and cropped in the middle."""
        return self._images(1, 0, order)

    def _images(
        self, part: int, epoch: int, order: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        rows = [[(epoch, i) for i in row] for row in order.tolist()]
        files, policy = self.files[part], self.policies[part]
        for images, labels in self._loaded(files, policy, rows, _together):
            there = images.to(self.device, non_blocking=True)
            yield (
                there if self.channels_last else there.contiguous(),
                labels.to(self.device, non_blocking=True),
            )

    def views(
        self, policy: CropPolicy, rows: list[list[int]]
    ) -> Iterator[tuple[list[SizeGroup], Tensor]]:
        """Rows of validation images, each image with all its views, and their labels (n,), -100
        where one is broken."""
        asked = [[(0, i) for i in row] for row in rows]
        for groups, labels in self._loaded(
            self.files[1], policy, asked, _by_size
        ):
            yield (
                [
                    (views.to(self.device), places.to(self.device))
                    for views, places in groups
                ],
                labels.to(self.device),
            )

    def decode_failures(self) -> list[str]:
        """The files that were found broken since the last call, and how many only Pillow could
        decode."""
        fresh = sorted(self.broken - self.reported)
        self.reported.update(fresh)
        slow, self.slow = self.slow, {}
        fast = jpeg.FAST.package if jpeg.FAST else ""
        by_pillow = [
            f"decoded by Pillow, as {fast} cannot: {counted(len(slow), 'image')}; the first is"
            f" {place}: {why}"
            for place, why in sorted(slow.items())[:1]
        ]
        return [
            f"skipped, as it cannot be read: {text}" for text in fresh
        ] + by_pillow

    def _loaded(
        self,
        files: Files | Packed,
        policy: CropPolicy,
        asked: list[list[tuple[int, int]]],
        collate: Callable[..., Any],
    ) -> Iterator[tuple[Any, Tensor]]:
        """What `collate` makes of each row of samples, and their labels."""
        loader: DataLoader[Any] = DataLoader(
            _Part(files, self.data, policy),
            batch_sampler=asked,
            num_workers=self.workers,
            collate_fn=collate,
            worker_init_fn=ignore_in_worker,
            pin_memory=self.device.type == "cuda",
            prefetch_factor=4 if self.workers else None,
            # the loader draws a seed per epoch: not from the global random state
            generator=torch.Generator().manual_seed(0),
        )
        for images, labels, troubles in watched(loader):
            self._count(troubles)
            yield images, labels

    def _count(self, troubles: list[Trouble]) -> None:
        for one in troubles:
            if one.broken:
                self.broken.add(f"{one.place}: {one.why}")
            else:
                self.slow[one.place] = one.why
        if len(self.broken) > self.bound:
            raise TrainingError(self._too_many())

    def _too_many(self) -> str:
        """How many are broken, how many may be, and what to do."""
        found, total = len(self.broken), sum(map(len, self.files))
        allowed = f"{100 * self.share:g} % of {total:,}, which is {int(self.bound) or 'none'}"
        shown = "; ".join(sorted(self.broken)[:3]) + (
            f"; and {found - 3:,} more" if found > 3 else ""
        )
        one, them = (
            ("1 image", "it")
            if found == 1
            else (f"{found:,} images", "them")
        )
        return (
            f"{one} cannot be read, more than `data.unreadable` allows ({allowed}): {shown}. "
            f"Mend or remove {them}, or allow more by a larger `train.data.unreadable`"
        )


def _stacked(views: Iterable[Tensor]) -> Tensor:
    """(n, channels, height, width), channels-last in memory as its views are."""
    return torch.stack([view.permute(1, 2, 0) for view in views]).permute(
        0, 3, 1, 2
    )


def _together(
    samples: list[LoadedImage],
) -> tuple[Tensor, Tensor, list[Trouble]]:
    """Samples of one view each, all of one size."""
    views, labels, troubles = zip(*samples, strict=True)
    return (
        _stacked(view for (view,) in views),
        torch.stack(labels),
        [*filter(None, troubles)],
    )


def _by_size(
    samples: list[LoadedImage],
) -> tuple[list[SizeGroup], Tensor, list[Trouble]]:
    """Samples of any views, those of one size together."""
    views, labels, troubles = zip(*samples, strict=True)
    sizes = by_key(
        (view.shape, (view, place))
        for place, seen in enumerate(views)
        for view in seen
    )
    groups = [
        (
            _stacked(view for view, _ in same),
            torch.tensor([place for _, place in same]),
        )
        for same in sizes.values()
    ]
    return groups, torch.stack(labels), [*filter(None, troubles)]


def sample(data: DataSet, seed: int) -> Resident:
    """The training images that are in memory, else some of the files, cropped in the middle, for
    their mean and standard deviation; broken ones are left out."""
    if isinstance(data.train, Resident):
        return data.train
    part = _Part(data.train, data, center_crop_of(data))
    chosen = permutation(key(seed, "sample"), len(data.train))[
        :SAMPLED
    ].tolist()
    read = [part[(0, index)] for index in chosen]
    whole = [
        (views[0], label)
        for views, label, bad in read
        if not (bad and bad.broken)
    ]
    bad = read[0][2]
    if not whole and bad:
        raise TrainingError(
            f"none of {counted(len(read), 'image')} of {data.name} can be read; the first:"
            f" {bad.place}: {bad.why}"
        )
    images, labels = map(torch.stack, zip(*whole, strict=True))
    return Resident(images, labels)
