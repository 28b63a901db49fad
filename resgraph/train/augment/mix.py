"""A batch → a batch of mixtures of two images each, and how much of either label holds (mixup,
cutmix)."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import torch
from torch import Tensor

from ...language.recipe.augment import Augment
from ...structs import Frozen
from ..rng import key


class Batch(Frozen):
    """Images with their labels; where they are mixtures, `share` of `labels` and the rest of
    `partners`. `beside` has what else the net reads of each, and `lead` the place of the images
    among its inputs."""

    images: Tensor
    labels: Tensor
    partners: Tensor | None = None
    share: float = 1.0
    beside: tuple[Tensor, ...] = ()
    lead: int = 0

    def inputs(self, part: slice = slice(None)) -> tuple[Tensor, ...]:
        """What the net is called with, of a part of the batch."""
        return tuple(
            one[part]
            for one in in_order(self.images, self.beside, self.lead)
        )

    @property
    def main(self) -> Tensor:
        """The label of the larger part of each image."""
        return (
            self.labels
            if self.partners is None or self.share >= 0.5
            else self.partners
        )


def in_order(
    images: Tensor, beside: Sequence[Tensor], lead: int
) -> tuple[Tensor, ...]:
    """The inputs of a net, of which the images are number `lead`."""
    return (*beside[:lead], images, *beside[lead:])


def mix(
    images: Tensor, labels: Tensor, recipe: Augment, seed: int, step: int
) -> Batch:
    """One share for the whole batch, a function of (seed, step); each image's partner is the one
    before it, or where images are repeated the one before its copies."""
    rng = random.Random(key(seed, "mix", step))
    alphas = {"mixup": recipe.mixup, "cutmix": recipe.cutmix}
    kinds = [kind for kind, alpha in alphas.items() if alpha]
    if not kinds or len(labels) < 2:
        return Batch(images, labels)
    kind = rng.choice(kinds)
    share = rng.betavariate(alphas[kind], alphas[kind])
    others = images.roll(recipe.repeats, 0)
    partners = labels.roll(recipe.repeats, 0)
    if kind == "mixup" or images.ndim != 4:
        return Batch(
            torch.lerp(others, images, share), labels, partners, share
        )
    height, width = images.shape[2:]
    top, bottom = _stretch(rng, height, share)
    left, right = _stretch(rng, width, share)
    images = images.clone()
    images[:, :, top:bottom, left:right] = others[
        :, :, top:bottom, left:right
    ]
    kept = 1 - (bottom - top) * (right - left) / (height * width)
    return Batch(images, labels, partners, kept)


def _stretch(
    rng: random.Random, side: int, share: float
) -> tuple[int, int]:
    """From where to where cutmix takes one side of an image from another, about any pixel of it."""
    length = round(side * math.sqrt(1 - share))
    start = rng.randrange(side) - length // 2
    return max(0, start), min(side, start + length)
