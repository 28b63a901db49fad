"""Each operation of RandAugment against torchvision's own, where that is installed: the same pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from references import torchvision
from torch import Tensor

from resgraph.train.augment import randaugment as ours

torchvision()
theirs: Any = pytest.importorskip("torchvision.transforms.v2.functional")
BILINEAR = theirs.InterpolationMode.BILINEAR
pytestmark = pytest.mark.slow  # torchvision takes long to load
SIDE = 160
TOLERANCE = {"equalize": 4.0}
"""Of 255. Pillow's way to equalize, which torchvision copies, rounds the step between levels to whole pixels."""


def affine(images: Tensor, **keys: Any) -> Tensor:
    still = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
    return theirs.affine(
        images, **{**still, **keys}, interpolation=BILINEAR, fill=ours.GRAY
    )  # type: ignore[no-any-return]


def in_unit(adjust: Callable[..., Tensor]) -> Callable[[Tensor, float], Tensor]:
    """An enhancer of images in [0, 1], by the factor that a strength stands for."""
    return lambda images, strength: 255 * adjust(images / 255, 1 + 0.9 * strength)


def as_bytes(change: Callable[..., Tensor]) -> Callable[[Tensor, float], Tensor]:
    return lambda images, strength: change(images.to(torch.uint8), strength).float()


def slope(strength: float) -> float:
    return math.degrees(math.atan(0.3 * strength))


LAWS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "identity": lambda images, _: images,
    "shear_x": lambda images, s: affine(images, shear=[slope(s), 0.0]),
    "shear_y": lambda images, s: affine(images, shear=[0.0, slope(s)]),
    "translate_x": lambda images, s: affine(images, translate=[-0.45 * s * SIDE, 0]),
    "translate_y": lambda images, s: affine(images, translate=[0, -0.45 * s * SIDE]),
    "rotate": lambda images, s: affine(images, angle=-30 * s),
    "brightness": in_unit(theirs.adjust_brightness),
    "colour": in_unit(theirs.adjust_saturation),
    "contrast": in_unit(theirs.adjust_contrast),
    "sharpness": in_unit(theirs.adjust_sharpness),
    "posterize": as_bytes(lambda x, s: theirs.posterize(x, 8 - round(4 * abs(s)))),
    "solarize": as_bytes(lambda x, s: theirs.solarize(x, 256 * (1 - abs(s)))),
    "autocontrast": lambda images, _: 255 * theirs.autocontrast(images / 255),
    "equalize": as_bytes(lambda x, _: theirs.equalize(x)),
}
NAMES = [operation.__name__.removeprefix("_") for operation in ours.OPERATIONS]


def test_every_operation_has_a_law() -> None:
    assert list(LAWS) == NAMES


@pytest.mark.parametrize("operation", ours.OPERATIONS, ids=NAMES)
@pytest.mark.parametrize("strength", [-0.5, 0.25, 0.5])
def test_an_operation_is_torchvisions(operation: Any, strength: float) -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(20, 220, (4, 3, SIDE, SIDE), generator=draw).float()
    name = operation.__name__.removeprefix("_")
    if LAWS[name].__code__.co_names[:1] == ("affine",):
        inner = slice(SIDE // 2 - 20, SIDE // 2 + 20)
        still = torch.full_like(images, ours.GRAY)  # what comes in from outside is gray
        still[..., inner, inner] = images[..., inner, inner]
        images = still
    mine = operation(images, torch.full((4,), strength))
    other = LAWS[name](images, strength)
    # torchvision sharpens no border, and fills what comes in from outside in another way
    inside = slice(20, -20)
    mine, other = mine[..., inside, inside], other[..., inside, inside]
    most = TOLERANCE.get(name, 0.05)
    torch.testing.assert_close(mine, other, atol=most, rtol=0.0)
    assert name == "identity" or not torch.equal(other, images[..., inside, inside]), (
        "something was done"
    )
