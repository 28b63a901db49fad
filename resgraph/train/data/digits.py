"""The digits that come with resgraph → a data set: 1,797 real 8x8 images; digits.txt says whose
they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...language.recipe.data import Digits
from .sets import DataSet, Request, Resident, stratified


def stored() -> tuple[Tensor, Tensor]:
    """The images as they are published, (1797, 8, 8) uint8 from 0 to 16, and their labels, (1797,)
    int64."""
    with np.load(
        Path(__file__).with_name("digits.npz"), allow_pickle=False
    ) as archive:
        return torch.from_numpy(archive["images"]), torch.from_numpy(
            archive["labels"]
        ).to(torch.int64)


def load(recipe: Digits, request: Request) -> DataSet:
    """Grey images with 17 levels (0 to 16), split by class; the same split for the same seed, on
    every machine."""
    bundled, labels = stored()
    images = bundled.to(torch.float32)[:, None]
    levels = 16
    if recipe.size != 8:
        shape = (recipe.size, recipe.size)
        larger = torch.nn.functional.interpolate(
            images, shape, mode="bilinear", align_corners=False
        )
        images, levels = larger * (255 / 16), 255
    images = (
        images.round()
        .to(torch.uint8)
        .expand(-1, recipe.channels, -1, -1)
        .contiguous()
    )
    train, test = stratified(labels, recipe.test, recipe.split_seed)
    return DataSet(
        name=recipe.title,
        train=Resident(images[train], labels[train]),
        validation=Resident(images[test], labels[test]),
        classes=tuple(map(str, range(recipe.class_count))),
        shape=recipe.shape,
        about="handwritten digits (Alpaydin, Kaynak 1998), UCI, test part",
        levels=levels,
    )
