"""A seed and a shape → seeded images: one smooth pattern for each class, under noise."""

from __future__ import annotations

import torch

from ...language.recipe.data import Synthetic
from ...ops.base import Shape
from ..rng import key
from .sets import DataSet, Resident


def load_synthetic(
    recipe: Synthetic, shape: Shape, output: Shape, *, blank: bool = False
) -> DataSet:
    """As many images as asked for, in the shape of the net's input; `blank` ones take neither time
    nor memory."""
    classes = recipe.classes or output[0]
    draw = torch.Generator().manual_seed(key(recipe.seed, "synthetic"))
    if len(shape) == 3:
        coarse = torch.randn(classes, shape[0], 4, 4, generator=draw)
        patterns = torch.nn.functional.interpolate(
            coarse, shape[1:], mode="bilinear", align_corners=False
        )
    else:
        patterns = torch.randn(classes, *shape, generator=draw)
    parts = []
    for count in (max(recipe.samples, classes), recipe.validation):
        labels = torch.arange(count) % classes
        if blank:
            parts.append(
                Resident(
                    torch.zeros(1, *shape, dtype=torch.uint8).expand(count, *shape),
                    labels,
                )
            )
            continue
        images = torch.empty(count, *shape, dtype=torch.uint8)
        for first in range(0, count, 256):
            part = slice(first, first + 256)
            clean = patterns[labels[part]]
            noisy = clean + recipe.noise * torch.randn(clean.shape, generator=draw)
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
