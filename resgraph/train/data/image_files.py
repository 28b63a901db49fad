"""Image files → uint8 tensors, decoded and cropped by worker processes. Each image's random crop is
seeded by (epoch, index), so it does not depend on the number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...errors import TrainingError
from ...language.recipe import Train
from ...language.recipe.augment import AreaCrop, SideCrop
from ...language.recipe.data import OnDisk
from ...language.recipe.target import PixelLabel
from ..augment.crops import CenterCrop, CropPolicy, RandomCrop
from ..augment.progressive import decoded_size
from ..rng import key, permutation
from ..settings.decide import Decisions
from ..signals import ignore_in_worker
from .answers import UNKNOWN, mask_classes
from .formats.decoder import UNREADABLE, open_image, open_mask
from .sets import DataSet, Files, Packed, Resident, side_before_crop
from .workers import watched

LoadedImage = tuple[tuple[Tensor, ...], Tensor, str]
"""The views of an image, its target (unknown where it cannot be read) and then why not."""
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
        self.exif, self.target, self.classes = data.exif, data.target, len(data.classes)

    def __getitem__(self, asked: tuple[int, int]) -> LoadedImage:
        epoch, number = asked
        index = number % len(self.files)  # beyond are copies, each with its own crop
        # a mask is cut as its image is, which must be whole for that
        least = None if self.files.masks else self.policy.min_side
        place = self.files.name(index)
        try:
            source = self.files.source(index)
            image = open_image(source, self.shape[0], least, exif=self.exif)
            views = self.policy(image, epoch, number)
            if not self.files.masks:
                return views, self.files.labels[index], ""
            place = str(self.files.masks[index])
            return views, self._mask(image.size, epoch, number), ""
        except UNREADABLE as error:
            size = getattr(self.policy, "size", self.shape[1:])
            gray = torch.full((self.shape[0], *size), 128, dtype=torch.uint8)
            return (gray,), self._unknown(index), f"{place}: {error}"

    def _mask(self, size: tuple[int, int], epoch: int, number: int) -> Tensor:
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
    )


class Decoded:
    """Batches from files. Counts the ones that are broken, and stops where there are too many."""

    def __init__(self, data: DataSet, train: Train, decisions: Decisions) -> None:
        if isinstance(data.train, Resident) or isinstance(data.validation, Resident):
            raise TypeError("decoding is for files")
        crop, still = train.augment.crop, center_crop_of(data)
        policy = (
            RandomCrop(crop, decoded_size(train, still.size), train.seed)
            if isinstance(crop, AreaCrop | SideCrop)
            else still
        )
        self.device, self.workers, self.data = (
            decisions.device,
            decisions.workers,
            data,
        )
        self.files = (data.train, data.validation)
        self.policies: tuple[CropPolicy, CropPolicy] = (policy, still)
        self.share = train.data.unreadable if isinstance(train.data, OnDisk) else 0.0
        self.bound = self.share * (len(data.train) + len(data.validation))
        self.broken: set[str] = set()
        self.reported: set[str] = set()

    def train(self, epoch: int, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
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
            yield (
                images.to(self.device, non_blocking=True),
                labels.to(self.device, non_blocking=True),
            )

    def views(
        self, policy: CropPolicy, rows: list[list[int]]
    ) -> Iterator[tuple[list[SizeGroup], Tensor]]:
        """Rows of validation images, each image with all its views, and their labels (n,), -100
        where one is broken."""
        asked = [[(0, i) for i in row] for row in rows]
        for groups, labels in self._loaded(self.files[1], policy, asked, _by_size):
            yield (
                [
                    (views.to(self.device), places.to(self.device))
                    for views, places in groups
                ],
                labels.to(self.device),
            )

    def decode_failures(self) -> list[str]:
        """The files that were found broken since the last call."""
        fresh = sorted(self.broken - self.reported)
        self.reported.update(fresh)
        return [f"skipped, as it cannot be read: {text}" for text in fresh]

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
        for images, labels, broken in watched(loader):
            self._count(broken)
            yield images, labels

    def _count(self, broken: list[str]) -> None:
        self.broken.update(broken)
        if len(self.broken) > self.bound:
            raise TrainingError(self._too_many())

    def _too_many(self) -> str:
        """How many are broken, how many may be, and what to do."""
        found, total = len(self.broken), sum(map(len, self.files))
        allowed = (
            f"{100 * self.share:g} % of {total:,}, which is {int(self.bound) or 'none'}"
        )
        shown = "; ".join(sorted(self.broken)[:3]) + (
            f"; and {found - 3:,} more" if found > 3 else ""
        )
        one, them = ("1 image", "it") if found == 1 else (f"{found:,} images", "them")
        return (
            f"{one} cannot be read, more than `data.unreadable` allows ({allowed}): {shown}. "
            f"Mend or remove {them}, or allow more by a larger `train.data.unreadable`"
        )


def _together(samples: list[LoadedImage]) -> tuple[Tensor, Tensor, list[str]]:
    """Samples of one view each, all of one size."""
    views, labels, broken = zip(*samples, strict=True)
    return (
        torch.stack([view for (view,) in views]),
        torch.stack(labels),
        [text for text in broken if text],
    )


def _by_size(samples: list[LoadedImage]) -> tuple[list[SizeGroup], Tensor, list[str]]:
    """Samples of any views, those of one size together."""
    views, labels, broken = zip(*samples, strict=True)
    sizes: dict[torch.Size, list[tuple[Tensor, int]]] = {}
    for place, seen in enumerate(views):
        for view in seen:
            sizes.setdefault(view.shape, []).append((view, place))
    groups = [
        (
            torch.stack([view for view, _ in same]),
            torch.tensor([place for _, place in same]),
        )
        for same in sizes.values()
    ]
    return groups, torch.stack(labels), [text for text in broken if text]


def sample(data: DataSet, seed: int) -> Resident:
    """Some training images, cropped in the middle, for their mean and standard deviation; broken
    ones are left out."""
    if isinstance(data.train, Resident):
        raise TypeError("sampling is for files")
    part = _Part(data.train, data, center_crop_of(data))
    chosen = permutation(key(seed, "sample"), len(data.train))[:SAMPLED].tolist()
    read = [part[(0, index)] for index in chosen]
    whole = [(pixels, label) for (pixels,), label, why in read if not why]
    if not whole:
        raise TrainingError(
            f"none of {len(read)} images of {data.name} can be read; the first: {read[0][2]}"
        )
    return Resident(
        torch.stack([pixels for pixels, _ in whole]),
        torch.stack([label for _, label in whole]),
    )
