"""Normalized images and their indices → images rotated, cropped, flipped and blanked, batch by
batch: each image by its own random stream."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ...language.recipe.augment import AreaCrop, Augment, PadCrop
from ..rng import key, uniform


def mirrored(seed: int, epoch: int, index: Tensor) -> Tensor:
    """Which images are mirrored where they alternate: one half in even epochs, the other in odd
    ones."""
    return (uniform(key(seed, "mirror"), index, 1)[:, 0] < 0.5) ^ (
        epoch % 2 == 1
    )


def augment(
    images: Tensor,
    recipe: Augment,
    seed: int,
    index: Tensor,
    turned: Tensor | None = None,
) -> Tensor:
    """(n, channels, height, width) float → the same shape. `seed` is the epoch's key, `index` (n,)
    the samples' numbers, `turned` (n,) which of them are mirrored, where that is not drawn.

    What comes in from outside the image is 0, which is the mean.
    """
    return blank(
        move(images, recipe, seed, index, turned), recipe, seed, index
    )


def only_flips(recipe: Augment) -> bool:
    """Whether a recipe moves pixels in no other way, so that it may be done before they are
    normalized."""
    return recipe.flip and not (recipe.crop or _warps(recipe))


def move(
    images: Tensor,
    recipe: Augment,
    seed: int,
    index: Tensor,
    turned: Tensor | None = None,
) -> Tensor:
    """The first part of `augment`: rotated, cropped and flipped."""
    if images.ndim != 4:
        return images
    if _warps(recipe):
        images = _warp(images, recipe, seed, index)
    return _crop_and_flip(images, recipe, _draw(seed, index, turned))


def blank(
    images: Tensor, recipe: Augment, seed: int, index: Tensor
) -> Tensor:
    """The last part of `augment`: some pixels become 0."""
    if images.ndim != 4:
        return images
    if recipe.erasing:
        images = _erase(images, recipe.erasing, seed, index)
    if recipe.cutout:
        images = _cut_out(images, recipe.cutout, seed, index)
    return images


def augment_mask(
    masks: Tensor,
    recipe: Augment,
    seed: int,
    index: Tensor,
    turned: Tensor | None = None,
) -> Tensor:
    """A class or a number for each pixel, (n, height, width) or (n, numbers, height, width) → the
    same, moved as `augment` moves its images, each pixel to the nearest. What comes in from outside
    is unknown: -100, or NaN. Other targets stay as they are."""
    if masks.ndim not in (3, 4):
        return masks
    unknown = math.nan if masks.is_floating_point() else -100
    planes = masks if masks.ndim == 4 else masks[:, None]
    if _warps(recipe):
        grid = _warp_grid(planes, recipe, seed, index)
        inside = _resampled(
            torch.ones_like(planes[:, :1], dtype=torch.float32), grid
        )
        moved = _resampled(planes.to(torch.float32), grid).to(planes.dtype)
        planes = moved.masked_fill(inside < 0.5, unknown)
    draw = _draw(seed, index, turned)
    return _crop_and_flip(planes, recipe, draw, unknown).view_as(masks)


def _draw(seed: int, index: Tensor, turned: Tensor | None) -> Tensor:
    """How far down and to the right each image moves, and whether it is mirrored (below 0.5)."""
    draw = uniform(key(seed, "crop"), index, 3)
    if turned is not None:
        draw[:, 2] = torch.where(turned, 0.0, 1.0)
    return draw


def _warps(recipe: Augment) -> bool:
    area = isinstance(recipe.crop, AreaCrop)
    return bool(recipe.rotate or recipe.zoom or recipe.shift or area)


def _crop_and_flip(
    images: Tensor, recipe: Augment, draw: Tensor, outside: float = 0.0
) -> Tensor:
    """What is outside around, a window of the old size, and its mirror image for half of the
    samples: one gather."""
    crop = recipe.crop
    if not (isinstance(crop, PadCrop) and crop.cells):
        return _flip(images, draw[:, 2] < 0.5) if recipe.flip else images
    cells = crop.cells
    n, channels, height, width = images.shape
    down = (draw[:, 0] * (2 * cells + 1)).to(torch.int64)
    right = (draw[:, 1] * (2 * cells + 1)).to(torch.int64)
    padded = _surrounded(images, crop, outside)
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device).expand(n, width)
    if recipe.flip:
        columns = torch.where(
            draw[:, 2:3] < 0.5, width - 1 - columns, columns
        )
    columns = columns + right[:, None]
    place = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
    flat = place.view(n, 1, height * width).expand(
        n, channels, height * width
    )
    return (
        padded.flatten(2).gather(2, flat).view(n, channels, height, width)
    )


def _flip(images: Tensor, turned: Tensor) -> Tensor:
    """Some of the images mirrored."""
    if images.device.type != "cpu":
        return torch.where(
            turned[:, None, None, None], images.flip(3), images
        )
    images = images.clone()
    # a fifth of the time of `torch.where`
    for row in turned.nonzero().flatten().tolist():
        images[row] = images[row].flip(2)
    return images


def _surrounded(images: Tensor, crop: PadCrop, outside: float) -> Tensor:
    """With as many cells more on each side."""
    if crop.border == "zeros":
        return F.pad(images, (crop.cells,) * 4, value=outside)
    rows, columns = (
        _reflected(side, crop.cells).to(images.device)
        for side in images.shape[2:]
    )
    return images[:, :, rows][:, :, :, columns]


def _reflected(side: int, cells: int) -> Tensor:
    """The places of a side and of so many cells around it, mirrored at the outermost."""
    place = torch.arange(-cells, side + cells).abs()
    return side - 1 - (side - 1 - place).abs()


def _warp(
    images: Tensor, recipe: Augment, seed: int, index: Tensor
) -> Tensor:
    return _resampled(
        images, _warp_grid(images, recipe, seed, index), "bilinear"
    )


def _resampled(
    images: Tensor, grid: Tensor, mode: str = "nearest"
) -> Tensor:
    return F.grid_sample(
        images, grid, mode=mode, padding_mode="zeros", align_corners=False
    )


def _warp_grid(
    images: Tensor, recipe: Augment, seed: int, index: Tensor
) -> Tensor:
    """Rotation, zoom, shift and area crop as one resampling: where each pixel comes from."""
    height, width = images.shape[2:]
    draw = uniform(key(seed, "warp"), index, 8)
    angle = (2 * draw[:, 0] - 1) * math.radians(recipe.rotate)
    zoom = 1 + (2 * draw[:, 1] - 1) * recipe.zoom
    down = (2 * draw[:, 2] - 1) * recipe.shift * 2 / height
    right = (2 * draw[:, 3] - 1) * recipe.shift * 2 / width
    tall = wide = torch.ones_like(angle)
    if isinstance(recipe.crop, AreaCrop):
        (least, most), (narrow, broad) = (
            recipe.crop.area,
            recipe.crop.aspect,
        )
        area = least + draw[:, 4] * (most - least)
        aspect = torch.exp(
            math.log(narrow) + draw[:, 5] * math.log(broad / narrow)
        )
        tall = (area / aspect).sqrt().clamp(max=1)
        wide = (area * aspect).sqrt().clamp(max=1)
        down = down + (2 * draw[:, 6] - 1) * (1 - tall)
        right = right + (2 * draw[:, 7] - 1) * (1 - wide)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    across = torch.stack(
        [cos * wide, -sin * height / width * tall, right], dim=1
    )
    along = torch.stack(
        [sin * width / height * wide, cos * tall, down], dim=1
    )
    return F.affine_grid(
        torch.stack([across, along], dim=1),
        list(images.shape),
        align_corners=False,
    )


TRIES = 10
"""Rectangles that are drawn until one fits, as torchvision does."""
AREA, LONG = (0.02, 0.33), 3.3
"""Of an erased rectangle: its share of the image, and the most that its sides differ."""


def _erase(
    images: Tensor, chance: float, seed: int, index: Tensor
) -> Tensor:
    """A rectangle of zeros within some of the images: its area uniform, its aspect too in
    logarithms."""
    height, width = images.shape[2:]
    draw = uniform(key(seed, "erasing"), index, 3 + 2 * TRIES)
    area, aspect = draw[:, 3:].view(-1, 2, TRIES).unbind(1)
    area = (AREA[0] + area * (AREA[1] - AREA[0])) * height * width
    aspect = torch.exp(math.log(0.3) + aspect * math.log(LONG / 0.3))
    tall = (area * aspect).sqrt().round()
    wide = (area / aspect).sqrt().round()
    fits = (tall < height) & (wide < width)
    first = fits.to(torch.int64).argmax(1, keepdim=True)
    tall, wide = tall.gather(1, first), wide.gather(1, first)
    top = (draw[:, 1:2] * (height - tall + 1)).floor()
    left = (draw[:, 2:3] * (width - wide + 1)).floor()
    erased = (draw[:, :1] < chance) & fits.any(1, keepdim=True)
    y = torch.arange(height, device=images.device)[None, :] - top
    x = torch.arange(width, device=images.device)[None, :] - left
    rows, columns = (y >= 0) & (y < tall) & erased, (x >= 0) & (x < wide)
    return images.masked_fill(
        rows[:, None, :, None] & columns[:, None, None, :], 0.0
    )


def _cut_out(images: Tensor, side: int, seed: int, index: Tensor) -> Tensor:
    """A square of zeros, its centre anywhere in the image (so a part of it may fall outside)."""
    height, width = images.shape[2:]
    draw = uniform(key(seed, "cutout"), index, 2)
    top = (draw[:, 0] * height).floor() - side // 2
    left = (draw[:, 1] * width).floor() - side // 2
    y = torch.arange(height, device=images.device)[None, :] - top[:, None]
    x = torch.arange(width, device=images.device)[None, :] - left[:, None]
    inside = ((y >= 0) & (y < side))[:, None, :, None] & (
        (x >= 0) & (x < side)
    )[:, None, None, :]
    return images.masked_fill(inside, 0.0)
