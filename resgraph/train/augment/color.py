"""Raw images → the same images in other colours: the augmentations that work on pixel values before
normalization.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...language.recipe.augment import Augment
from ..rng import key, normal
from .randaugment import rand_augment, trivial_augment

EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
"""Principal components of ImageNet's RGB values in [0, 1], as published with fb.resnet.torch
(Krizhevsky 2012, section 4.1)."""


def augment_pixels(
    images: Tensor, recipe: Augment, levels: int, seed: int, index: Tensor
) -> Tensor:
    """uint8 (n, channels, height, width) up to `levels` → the same, float32 where colours
    change."""
    lighting = recipe.lighting and images.shape[1] == 3
    mixed = recipe.trivialaugment or recipe.randaugment
    if images.ndim != 4 or not (mixed or lighting):
        return images
    changed = images.to(torch.float32) * (255 / levels)
    if recipe.trivialaugment:
        changed = trivial_augment(changed, seed, index)
    if recipe.randaugment:
        changed = rand_augment(changed, recipe.randaugment, seed, index)
    if lighting:
        changed = _lighting(changed, recipe.lighting, seed, index)
    return changed * (levels / 255)


def _lighting(
    images: Tensor, spread: float, seed: int, index: Tensor
) -> Tensor:
    """AlexNet's PCA noise: one shift of RGB for each image."""
    alpha = spread * normal(key(seed, "lighting"), index, 3)
    weights = torch.tensor(EIGENVALUES, device=images.device)
    vectors = torch.tensor(EIGENVECTORS, device=images.device)
    return images + 255 * (alpha * weights @ vectors.T)[:, :, None, None]
