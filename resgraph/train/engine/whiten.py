"""Training images and the first convolution → its weights, by which what it gives is white: of
variance 1 and without correlation over the patches of these images.

The eigenvectors of the patches' second moments (not centred), each over the root of its eigenvalue
plus `eps`, and after them the negatives of all (Jordan 2024, arXiv 2404.00498, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import TrainingError
from ...language.recipe import Train
from ..data.image_files import sample
from ..data.normalize import Normalization
from ..data.sets import DataSet
from ..parallel.distributed import World


def whitening(images: Tensor, size: tuple[int, int], eps: float) -> Tensor:
    """Normalized images (n, channels, height, width) → (2 m, channels, *size) float32, where m is
    the numbers of a patch; the eigenvalues rise."""
    rows = (
        F.unfold(images.to(torch.float64), size).transpose(0, 1).flatten(1)
    )
    values, vectors = torch.linalg.eigh(rows @ rows.T / rows.shape[1])
    filters = (vectors / (values.clamp_min(0) + eps).sqrt()).T
    shape = (-1, images.shape[1], *size)
    return torch.cat([filters, -filters]).reshape(shape).float()


def whitener(
    train: Train, data: DataSet, normalization: Normalization, world: World
) -> Callable[[nn.Module], None] | None:
    """What gives a net its first weights, the first rank's everywhere; None where the recipe
    whitens nothing."""
    whiten = train.whiten
    if whiten is None:
        return None
    images = sample(data, train.seed).images
    some = normalization(images[: whiten.images])

    def give(net: nn.Module) -> None:
        conv = net.get_submodule(whiten.layer)
        assert isinstance(conv, nn.Conv2d)
        size = (conv.kernel_size[0], conv.kernel_size[1])
        found: Tensor = world.share(whitening(some.cpu(), size, whiten.eps))
        if not torch.isfinite(found).all():
            raise TrainingError(
                "`whiten`: the training images have no finite variance"
            )
        with torch.no_grad():
            conv.weight.copy_(found)

    return give
