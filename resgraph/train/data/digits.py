"""scikit-learn's digits → a data set: 1,797 real 8x8 images of handwritten digits, no download."""

from __future__ import annotations

import torch

from ...errors import MissingError
from ...language.recipe_data import Digits
from .sets import DataSet, Resident, stratified


def load_digits(recipe: Digits) -> DataSet:
    """Grey images with 17 levels (0 to 16), split by class; the same split for the same seed, on every
    machine.
    """
    try:
        from sklearn.datasets import load_digits as bundled
    except ImportError as error:
        raise MissingError("the digits come with scikit-learn: pip install 'resgraph[train]'") from error
    raw = bundled()
    images = torch.from_numpy(raw.images).to(torch.float32)[:, None]
    levels = 16
    if recipe.size != 8:
        shape = (recipe.size, recipe.size)
        larger = torch.nn.functional.interpolate(images, shape, mode="bilinear", align_corners=False)
        images, levels = larger * (255 / 16), 255
    images = images.round().to(torch.uint8).expand(-1, recipe.channels, -1, -1).contiguous()
    labels = torch.from_numpy(raw.target).to(torch.int64)
    train, test = stratified(labels, recipe.test, recipe.split_seed)
    return DataSet(
        name=recipe.title,
        train=Resident(images[train], labels[train]),
        validation=Resident(images[test], labels[test]),
        classes=tuple(map(str, range(recipe.classes))),
        shape=recipe.shape,
        about="handwritten digits (Alpaydin, Kaynak 1998), as bundled with scikit-learn",
        levels=levels,
    )
