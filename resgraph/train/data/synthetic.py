"""A seed and a shape → seeded images: one smooth pattern for each class, under noise."""

from __future__ import annotations

import torch

from ...language.recipe.data import Synthetic
from ..rng import key
from .sets import DataSet, Request, Resident, blank


def load(recipe: Synthetic, request: Request) -> DataSet:
    """As many images as asked for, in the shape of the net's input; where they are only counted,
    blank ones, which take neither time nor memory."""
    shape, classes = request.input, recipe.classes or request.output[0]
    draw = torch.Generator().manual_seed(key(recipe.seed, "synthetic"))
    if len(shape) == 3:
        coarse = torch.randn(classes, shape[0], 4, 4, generator=draw)
        patterns = torch.nn.functional.interpolate(
            coarse, shape[1:], mode="bilinear", align_corners=False
        )
    else:
        patterns = torch.randn(classes, *shape, generator=draw)
    parts = []
    for count in recipe.counts(classes):
        labels = torch.arange(count) % classes
        if request.counted:
            parts.append(Resident(blank(count, shape), labels))
            continue
        images = torch.empty(count, *shape, dtype=torch.uint8)
        for first in range(0, count, 256):
            part = slice(first, first + 256)
            clean = patterns[labels[part]]
            noisy = clean + recipe.noise * torch.randn(
                clean.shape, generator=draw
            )
            images[part] = (128 + 40 * noisy).clamp(0, 255).to(torch.uint8)
        parts.append(Resident(images, labels))
    names = tuple(f"class {i}" for i in range(classes))
    return DataSet(
        "synthetic",
        parts[0],
        parts[1],
        names,
        shape,
        f"synthetic images, seed {recipe.seed}",
        watched="validation",
    )
