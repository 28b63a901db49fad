"""The data loader: a data set → batches on the device, gathered, augmented and normalized there, in
the sampler's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
import torch.nn.functional as F
from msgspec.structs import replace
from torch import Tensor

from ...language.recipe import Train
from ...language.recipe.target import Itself
from ...ops.base import Shape
from ...structs import Frozen
from ..augment.color import augment_pixels
from ..augment.geometry import (
    augment_mask,
    blank,
    mirrored,
    move,
    only_flips,
)
from ..augment.mix import Batch, in_order, mix
from ..augment.progressive import resized, size_at
from ..parallel.distributed import World
from ..rng import key
from ..tasks import Task
from .normalize import Normalization
from .sampler import Sampler
from .sets import Resident


class Pixels(Protocol):
    """Where raw images come from: (indices of a batch, in order) → uint8 images and labels, on the
    device."""

    def train(
        self, epoch: int, order: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """For each row of `order` (steps, n) a batch of n."""

    def validation(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The same of the validation part, without anything random."""

    def decode_failures(self) -> list[str]:
        """What could not be read since the last call."""


class InMemory:
    """Images that stay on the device as uint8."""

    def __init__(
        self, train: Resident, validation: Resident, device: torch.device
    ) -> None:
        self.parts = [
            (p.images.to(device), p.labels.to(device))
            for p in (train, validation)
        ]
        self.device = device

    def train(
        self, epoch: int, order: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of `order`, gathered."""
        return self._gather(self.parts[0], order)

    def validation(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of `order`, gathered."""
        return self._gather(self.parts[1], order)

    def decode_failures(self) -> list[str]:
        """None: everything was read at the start."""
        return []

    def _gather(
        self, part: tuple[Tensor, Tensor], order: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        for index in order.to(self.device):
            row = index % len(part[1])
            yield part[0][row], part[1][row]


class BatchLoader(Frozen):
    """The batches of one rank."""

    pixels: Pixels
    recipe: Train
    sampler: Sampler
    normalization: Normalization
    device: torch.device
    channels_last: bool
    validation_images: int
    levels: int
    shape: Shape
    flat: bool = False  # the net reads vectors: images are flattened last
    # what else it reads of the images of both parts, on the device
    beside: tuple[tuple[Tensor, ...], tuple[Tensor, ...]] = ((), ())
    lead: int = 0

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """The training batches of an epoch from step `first` of it on."""
        order = self.sampler.epoch(epoch, first)
        seed = key(self.recipe.seed, "augment", epoch)
        start = epoch * self.sampler.steps_per_epoch + first
        raw = self.pixels.train(epoch, order)
        size = self._size(epoch)
        recipe = self.recipe.augment
        for step, (index, (images, labels)) in enumerate(
            zip(order.to(self.device), raw, strict=True), start
        ):
            changed = augment_pixels(
                images, recipe, self.levels, seed, index
            )
            turned = None
            if recipe.alternate:
                turned = mirrored(self.recipe.seed, epoch, index)
            ready = blank(
                self._moved(changed, seed, index, turned),
                recipe,
                seed,
                index,
            )
            ready = self._layout(resized(ready, size))
            if images.ndim == 4:
                labels = augment_mask(labels, recipe, seed, index, turned)
            target = self._target(ready, labels)
            batch = mix(ready, target, recipe, self.recipe.seed, step)
            beside = self._beside(0, index % self.sampler.samples)
            yield (
                replace(batch, beside=beside, lead=self.lead)
                if beside
                else batch
            )

    def _moved(
        self,
        images: Tensor,
        seed: int,
        index: Tensor,
        turned: Tensor | None,
    ) -> Tensor:
        """Normalized, and moved as the recipe says; bytes are faster flipped than floats."""
        recipe = self.recipe.augment
        if self.normalization.by_channel and only_flips(recipe):
            return self.normalization(
                move(images, recipe, seed, index, turned)
            )
        return move(self.normalization(images), recipe, seed, index, turned)

    def validation(
        self, world: World
    ) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """Each validation image once over all ranks: what the net reads, and labels with -100 where
        a batch was filled up."""
        batch = self.sampler.batch // self.sampler.world
        mine = torch.arange(world.rank, self.validation_images, world.size)
        rows = -(-self.validation_images // (batch * world.size))
        filled = F.pad(mine, (0, rows * batch - len(mine)), value=-1)
        order = filled.view(rows, batch)
        for index, (images, labels) in zip(
            order, self.pixels.validation(order.clamp_min(0)), strict=True
        ):
            ready = self._layout(self.normalization(images))
            filled = index.to(labels.device) < 0
            beside = self._beside(1, index.clamp_min(0).to(self.device))
            inputs = in_order(ready, beside, self.lead)
            yield inputs, Task.without(self._target(ready, labels), filled)

    def _target(self, images: Tensor, labels: Tensor) -> Tensor:
        """What the net is to say of images as it reads them."""
        if isinstance(self.recipe.target, Itself):
            return Task.without(images, labels < 0)
        return labels if labels.is_floating_point() else labels.long()

    def _beside(self, part: int, index: Tensor) -> tuple[Tensor, ...]:
        """What else the net reads of some images."""
        ways = self.normalization.beside
        return tuple(
            way(one[index])
            for way, one in zip(ways, self.beside[part], strict=True)
        )

    def _size(self, epoch: int) -> tuple[int, int]:
        """Of the images of an epoch; nothing where the net reads vectors."""
        full = (
            (self.shape[1], self.shape[2])
            if len(self.shape) == 3
            else (0, 0)
        )
        return size_at(
            epoch, self.recipe, self.sampler.steps_per_epoch, full
        )

    def _layout(self, images: Tensor) -> Tensor:
        if self.flat:
            return images.flatten(1)
        if self.channels_last and images.ndim == 4:
            return images.contiguous(memory_format=torch.channels_last)
        return images
