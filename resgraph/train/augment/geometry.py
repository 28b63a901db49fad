"""Normalized images and their indices → images rotated, cropped, flipped and blanked, batch by
batch: each image by its own random stream."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ...language.recipe.augment import AreaCrop, Augment, PadCrop
from ..rng import key, uniform


def augment(images: Tensor, recipe: Augment, seed: int, index: Tensor) -> Tensor:
    """(n, channels, height, width) float → the same shape. `seed` is the epoch's key, `index` (n,)
    the samples' numbers.

    What comes in from outside the image is 0, which is the mean.
    """
    if images.ndim != 4:
        return images
    if (
        recipe.rotate
        or recipe.zoom
        or recipe.shift
        or isinstance(recipe.crop, AreaCrop)
    ):
        images = _warp(images, recipe, seed, index)
    cells = recipe.crop.cells if isinstance(recipe.crop, PadCrop) else 0
    if cells or recipe.flip:
        images = _crop_and_flip(images, cells, recipe.flip, seed, index)
    if recipe.cutout:
        images = _cut_out(images, recipe.cutout, seed, index)
    return images


def _crop_and_flip(
    images: Tensor, cells: int, flip: bool, seed: int, index: Tensor
) -> Tensor:
    """Zeros around, a window of the old size, and its mirror image for half of the samples: one
    gather."""
    n, channels, height, width = images.shape
    draw = uniform(key(seed, "crop"), index, 3)
    down = (draw[:, 0] * (2 * cells + 1)).to(torch.int64)
    right = (draw[:, 1] * (2 * cells + 1)).to(torch.int64)
    padded = F.pad(images, (cells, cells, cells, cells)) if cells else images
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device).expand(n, width)
    if flip:
        columns = torch.where(draw[:, 2:3] < 0.5, width - 1 - columns, columns)
    columns = columns + right[:, None]
    place = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
    flat = place.view(n, 1, height * width).expand(n, channels, height * width)
    return padded.flatten(2).gather(2, flat).view(n, channels, height, width)


def _warp(images: Tensor, recipe: Augment, seed: int, index: Tensor) -> Tensor:
    """Rotation, zoom, shift and area crop as one bilinear resampling."""
    height, width = images.shape[2:]
    draw = uniform(key(seed, "warp"), index, 8)
    angle = (2 * draw[:, 0] - 1) * math.radians(recipe.rotate)
    zoom = 1 + (2 * draw[:, 1] - 1) * recipe.zoom
    down = (2 * draw[:, 2] - 1) * recipe.shift * 2 / height
    right = (2 * draw[:, 3] - 1) * recipe.shift * 2 / width
    tall = wide = torch.ones_like(angle)
    if isinstance(recipe.crop, AreaCrop):
        (least, most), (narrow, broad) = recipe.crop.area, recipe.crop.aspect
        area = least + draw[:, 4] * (most - least)
        aspect = torch.exp(math.log(narrow) + draw[:, 5] * math.log(broad / narrow))
        tall, wide = (
            (area / aspect).sqrt().clamp(max=1),
            (area * aspect).sqrt().clamp(max=1),
        )
        down, right = (
            down + (2 * draw[:, 6] - 1) * (1 - tall),
            right + (2 * draw[:, 7] - 1) * (1 - wide),
        )
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    across = torch.stack([cos * wide, -sin * height / width * tall, right], dim=1)
    along = torch.stack([sin * width / height * wide, cos * tall, down], dim=1)
    grid = F.affine_grid(
        torch.stack([across, along], dim=1), list(images.shape), align_corners=False
    )
    return F.grid_sample(
        images, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )


def _cut_out(images: Tensor, side: int, seed: int, index: Tensor) -> Tensor:
    """A square of zeros, its centre anywhere in the image (so a part of it may fall outside)."""
    height, width = images.shape[2:]
    draw = uniform(key(seed, "cutout"), index, 2)
    top = (draw[:, 0] * height).floor() - side // 2
    left = (draw[:, 1] * width).floor() - side // 2
    y = torch.arange(height, device=images.device)[None, :] - top[:, None]
    x = torch.arange(width, device=images.device)[None, :] - left[:, None]
    inside = ((y >= 0) & (y < side))[:, None, :, None] & ((x >= 0) & (x < side))[
        :, None, None, :
    ]
    return images.masked_fill(inside, 0.0)
