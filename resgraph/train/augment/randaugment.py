"""Raw images → each under a few random operations of one magnitude (Cubuk et al. 2020), or under
one of any magnitude (Müller, Hutter 2021), whole batches at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ...language.recipe.augment import RandAugment
from ..rng import key, uniform

Operation = Callable[[Tensor, Tensor], Tensor]
"""(n, channels, height, width) in [0, 255] and a signed strength of (n,) in [-1, 1] → the same
shape."""
GRAY = 128.0
BINS = 31
"""Strengths that TrivialAugment draws from."""
SHEAR, MOVE, ROTATE = 0.3, 0.9, 30
"""Shear, shift (2 is the whole side) and degrees at full strength."""


def rand_augment(
    images: Tensor, recipe: RandAugment, seed: int, index: Tensor
) -> Tensor:
    """float32 in [0, 255] → the same. Each image draws `ops` operations, and a sign for each."""
    out = images
    draw = uniform(key(seed, "randaugment"), index, 2 * recipe.ops)
    for turn in range(recipe.ops):
        choice = (draw[:, 2 * turn] * len(OPERATIONS)).to(torch.int64)
        sign = torch.where(draw[:, 2 * turn + 1] < 0.5, -1.0, 1.0)
        out = _changed(out, choice, sign * recipe.magnitude / 10)
    return out


def trivial_augment(images: Tensor, seed: int, index: Tensor) -> Tensor:
    """float32 in [0, 255] → the same. Each image draws one operation, one of 31 strengths from none
    to the widest of that operation, and a sign."""
    draw = uniform(key(seed, "trivialaugment"), index, 3)
    choice = (draw[:, 0] * len(OPERATIONS)).to(torch.int64)
    level = torch.floor(draw[:, 1] * BINS) / (BINS - 1)
    sign = torch.where(draw[:, 2] < 0.5, -1.0, 1.0)
    height, width = images.shape[2:]
    moves = {1: 0.99 / SHEAR, 2: 0.99 / SHEAR, 3: 64 / width / MOVE, 4: 64 / height / MOVE,
             5: 135 / ROTATE, 6: 1.1, 7: 1.1, 8: 1.1, 9: 1.1, 10: 1.5}  # fmt: skip
    widest = torch.tensor(
        [moves.get(place, 1.0) for place in range(len(OPERATIONS))],
        device=images.device,
    )
    return _changed(images, choice, sign * level * widest[choice])


def _changed(images: Tensor, choice: Tensor, strength: Tensor) -> Tensor:
    """Each image under the operation of its choice."""
    painted = images.clone()
    for number, operation in enumerate(OPERATIONS):
        chosen = (choice == number).nonzero().flatten()
        if len(chosen):
            painted[chosen] = operation(images[chosen], strength[chosen])
    return painted


def _blend(images: Tensor, other: Tensor, strength: Tensor) -> Tensor:
    """`strength` -1 is `other`, 0 the image, 1 as far beyond it; 0.9 of that, as PIL's enhancers
    are used."""
    factor = (1 + 0.9 * strength).view(-1, 1, 1, 1)
    return torch.lerp(other, images, factor).clamp(0, 255)


def _gray(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def _identity(images: Tensor, strength: Tensor) -> Tensor:
    return images


def _brightness(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, torch.zeros_like(images), strength)


def _colour(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(images, _gray(images).expand_as(images), strength)


def _contrast(images: Tensor, strength: Tensor) -> Tensor:
    return _blend(
        images, _gray(images).mean((1, 2, 3), keepdim=True).expand_as(images), strength
    )


def _sharpness(images: Tensor, strength: Tensor) -> Tensor:
    channels = images.shape[1]
    kernel = (
        torch.tensor([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]], device=images.device) / 13
    )
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    smooth = F.conv2d(padded, kernel.expand(channels, 1, 3, 3), groups=channels)
    return _blend(images, smooth, strength)


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    """8 bits down to 4 at full strength."""
    step = 2.0 ** torch.round(4 * strength.abs()).view(-1, 1, 1, 1)
    return torch.floor(images / step) * step


def _solarize(images: Tensor, strength: Tensor) -> Tensor:
    bound = (256 * (1 - strength.abs())).view(-1, 1, 1, 1)
    return torch.where(images < bound, images, 255 - images)


def _autocontrast(images: Tensor, strength: Tensor) -> Tensor:
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(
        high > low, (images - low) * (255 / (high - low).clamp_min(1)), images
    )


def _equalize(images: Tensor, strength: Tensor) -> Tensor:
    """Each channel's values spread by their own distribution."""
    flat = images.round().clamp(0, 255).to(torch.int64).flatten(2).flatten(0, 1)
    counts = torch.zeros(len(flat), 256, device=images.device).scatter_add_(
        1, flat, torch.ones_like(flat, dtype=torch.float32)
    )
    share = counts.cumsum(1) - counts / 2
    return (255 * share / flat.shape[1]).gather(1, flat).view_as(images)


def _affine(images: Tensor, matrix: Tensor) -> Tensor:
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = F.grid_sample(
        images - GRAY, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return moved + GRAY


def _matrix(strength: Tensor, entries: dict[tuple[int, int], Tensor]) -> Tensor:
    matrix = torch.zeros(len(strength), 2, 3, device=strength.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1
    for (row, column), values in entries.items():
        matrix[:, row, column] = values
    return matrix


def _rotate(images: Tensor, strength: Tensor) -> Tensor:
    """Up to 30 degrees."""
    angle = strength * torch.pi * ROTATE / 180
    height, width = images.shape[2:]
    cos, sin = torch.cos(angle), torch.sin(angle)
    entries = {
        (0, 0): cos,
        (0, 1): -sin * height / width,
        (1, 0): sin * width / height,
        (1, 1): cos,
    }
    return _affine(images, _matrix(strength, entries))


def _shear_x(images: Tensor, strength: Tensor) -> Tensor:
    return _affine(images, _matrix(strength, {(0, 1): SHEAR * strength}))


def _shear_y(images: Tensor, strength: Tensor) -> Tensor:
    return _affine(images, _matrix(strength, {(1, 0): SHEAR * strength}))


def _translate_x(images: Tensor, strength: Tensor) -> Tensor:
    """Up to 0.45 of the width."""
    return _affine(images, _matrix(strength, {(0, 2): MOVE * strength}))


def _translate_y(images: Tensor, strength: Tensor) -> Tensor:
    return _affine(images, _matrix(strength, {(1, 2): MOVE * strength}))


OPERATIONS: tuple[Operation, ...] = (
    _identity,
    _shear_x,
    _shear_y,
    _translate_x,
    _translate_y,
    _rotate,
    _brightness,
    _colour,
    _contrast,
    _sharpness,
    _posterize,
    _solarize,
    _autocontrast,
    _equalize,
)
