"""Each operation of RandAugment, and what moves masks, against torchvision's own, where that is installed: the same
pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from PIL import Image
from references import torchvision
from torch import Tensor

from resgraph.language.reading import read
from resgraph.language.recipe.augment import Augment
from resgraph.train.augment import randaugment as ours
from resgraph.train.augment.crops import CenterCrop
from resgraph.train.augment.geometry import augment_mask
from resgraph.train.rng import key, uniform

pytestmark = pytest.mark.slow  # torchvision takes long to load
SIDE = 160
GRAY = 128.0
"""What comes in from outside."""
TOLERANCE = {"equalize": 4.0}
"""Of 255. Pillow's way to equalize, which torchvision copies, rounds the step between levels to whole pixels."""


@cache
def theirs() -> Any:
    """Loaded as a test asks for it: these are collected wherever tests are."""
    torchvision()
    return pytest.importorskip("torchvision.transforms.v2.functional")


def masked(values: Tensor) -> Any:
    torchvision()
    return pytest.importorskip("torchvision.tv_tensors").Mask(values)


def affine(images: Tensor, **keys: Any) -> Tensor:
    still = {
        "angle": 0.0,
        "translate": [0, 0],
        "scale": 1.0,
        "shear": [0.0, 0.0],
    }
    return theirs().affine(
        images,
        **{**still, **keys},
        interpolation=theirs().InterpolationMode.BILINEAR,
        fill=GRAY,
    )  # type: ignore[no-any-return]


def in_unit(
    adjust: str,
) -> Callable[[Tensor, float], Tensor]:
    """An enhancer of images in [0, 1], by the factor that a strength stands for."""
    return lambda images, strength: (
        255 * getattr(theirs(), adjust)(images / 255, 1 + 0.9 * strength)
    )


def as_bytes(
    change: Callable[..., Tensor],
) -> Callable[[Tensor, float], Tensor]:
    return lambda images, strength: change(
        images.to(torch.uint8), strength
    ).float()


def slope(strength: float) -> float:
    return math.degrees(math.atan(0.3 * strength))


LAWS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "identity": lambda images, _: images,
    "shear_x": lambda images, s: affine(images, shear=[slope(s), 0.0]),
    "shear_y": lambda images, s: affine(images, shear=[0.0, slope(s)]),
    "translate_x": lambda images, s: affine(
        images, translate=[-0.45 * s * SIDE, 0]
    ),
    "translate_y": lambda images, s: affine(
        images, translate=[0, -0.45 * s * SIDE]
    ),
    "rotate": lambda images, s: affine(images, angle=-30 * s),
    "brightness": in_unit("adjust_brightness"),
    "colour": in_unit("adjust_saturation"),
    "contrast": in_unit("adjust_contrast"),
    "sharpness": in_unit("adjust_sharpness"),
    "posterize": as_bytes(
        lambda x, s: theirs().posterize(x, 8 - round(4 * abs(s)))
    ),
    "solarize": as_bytes(
        lambda x, s: theirs().solarize(x, 256 * (1 - abs(s)))
    ),
    "autocontrast": lambda images, _: (
        255 * theirs().autocontrast(images / 255)
    ),
    "equalize": as_bytes(lambda x, _: theirs().equalize(x)),
}
NAMES = [
    operation.__name__.removeprefix("_") for operation in ours.OPERATIONS
]


def test_every_operation_has_a_law() -> None:
    assert list(LAWS) == NAMES


@pytest.mark.parametrize("operation", ours.OPERATIONS, ids=NAMES)
@pytest.mark.parametrize("strength", [-0.5, 0.25, 0.5])
def test_an_operation_is_torchvisions(
    operation: Any, strength: float
) -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(
        20, 220, (4, 3, SIDE, SIDE), generator=draw
    ).float()
    name = operation.__name__.removeprefix("_")
    if LAWS[name].__code__.co_names[:1] == ("affine",):
        inner = slice(SIDE // 2 - 20, SIDE // 2 + 20)
        still = torch.full_like(images, GRAY)
        still[..., inner, inner] = images[..., inner, inner]
        images = still
    mine = operation(images, torch.full((4,), strength))
    other = LAWS[name](images, strength)
    # torchvision sharpens no border, and fills what comes in from outside in another way
    inside = slice(20, -20)
    mine, other = mine[..., inside, inside], other[..., inside, inside]
    most = TOLERANCE.get(name, 0.05)
    torch.testing.assert_close(mine, other, atol=most, rtol=0.0)
    assert name == "identity" or not torch.equal(
        other, images[..., inside, inside]
    ), "something was done"


MASKS = torch.randint(
    0,
    7,
    (6, 24, 32),
    dtype=torch.int16,
    generator=torch.Generator().manual_seed(2),
)
UNKNOWN = -100


@pytest.mark.parametrize("cells", [0, 3])
def test_flipped_and_cropped_masks_are_torchvisions(cells: int) -> None:
    crop = {"crop": {"kind": "pad", "cells": cells}} if cells else {}
    recipe = read(Augment, {"flip": True, **crop})
    found = augment_mask(MASKS, recipe, 5, torch.arange(6))
    draw = uniform(key(5, "crop"), torch.arange(6), 3)
    mirrored = 0
    for mask, mine, (down, right, side) in zip(
        MASKS, found, draw.tolist(), strict=True
    ):
        at = [int(part * (2 * cells + 1)) for part in (down, right)]
        wide = theirs().pad(masked(mask), [cells] * 4, fill=UNKNOWN)
        cut = theirs().crop(wide, *at, *mask.shape)
        mirrored += side < 0.5
        assert torch.equal(
            mine, theirs().horizontal_flip(cut) if side < 0.5 else cut
        )
    assert 0 < mirrored < 6


@pytest.mark.parametrize(
    "moves",
    [
        {"rotate": 40},
        {"zoom": 0.3},
        {"shift": 4},
        {"rotate": 15, "zoom": 0.2, "shift": 3},
    ],
)
def test_moved_masks_are_torchvisions(moves: dict[str, float]) -> None:
    """There an image is moved after it is turned, here before: its way is turned along."""
    recipe = read(Augment, moves)
    found = augment_mask(MASKS, recipe, 5, torch.arange(6))
    draws = uniform(key(5, "warp"), torch.arange(6), 8)
    for mask, mine, draw in zip(
        MASKS, found, (2 * draws - 1).tolist(), strict=True
    ):
        angle = math.radians(draw[0] * recipe.rotate)
        zoom = 1 + draw[1] * recipe.zoom
        down, right = (draw[place] * recipe.shift for place in (2, 3))
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        way = [-(cos * right + sin * down), -(cos * down - sin * right)]
        other = theirs().affine(
            masked(mask), -math.degrees(angle), way, zoom, [0.0, 0.0],
            fill=UNKNOWN,
        )  # fmt: skip
        assert torch.equal(mine, other)
    assert not torch.equal(found, MASKS)


def test_masks_on_disk_are_resized_as_torchvision_resizes_them() -> None:
    """The shorter side to 12, then the middle 12 x 12, of a file."""
    file = Image.fromarray(MASKS[0].numpy().astype("int32"))
    (view,) = CenterCrop(12, (12, 12), "bicubic")(file, 0, 0)
    small = theirs().resize(file, 12, theirs().InterpolationMode.NEAREST)
    other = theirs().pil_to_tensor(theirs().center_crop(small, [12, 12]))
    assert torch.equal(view, other)
