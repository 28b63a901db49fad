"""Images on disk are resized by the filter that a recipe or its weights say, and cropped as those weights state it."""

from __future__ import annotations

import random

import pytest
import torch
from msgspec.structs import replace
from PIL import Image

from resgraph.language.reading import read
from resgraph.language.recipe.augment import AreaCrop
from resgraph.language.recipe.base import FILTERS, Filter
from resgraph.language.recipe.data import Digits, Folder
from resgraph.train.augment.crops import RandomCrop, center_crop, to_tensor
from resgraph.train.data.sets import DataSet, nothing
from resgraph.train.start.statement import StatedImages


def noise(side: int) -> Image.Image:
    draw = random.Random(3)
    return Image.frombytes(
        "RGB", (side, side), draw.randbytes(3 * side * side)
    )


def whole(image: Image.Image, side: int, way: Filter) -> torch.Tensor:
    """What Pillow's own filter makes of it."""
    return to_tensor(
        image.resize((side, side), Image.Resampling[way.upper()])
    )


def near(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Random crops are torch's, within 1 of Pillow's."""
    return int((one.int() - other.int()).abs().max()) <= 1


@pytest.mark.parametrize("way", FILTERS)
def test_the_middle_is_resized_by_its_filter(way: Filter) -> None:
    image = noise(48)
    assert torch.equal(
        center_crop(image, 24, (24, 24), way), whole(image, 24, way)
    )


def test_random_filters_are_one_of_both_and_crop_the_same() -> None:
    image = noise(48)
    part = AreaCrop(kind="area", area=(1.0, 1.0), aspect=(1.0, 1.0))
    either = replace(part, interpolation="random")
    drawn = RandomCrop(either, (24, 24), 0)
    views = [drawn(image, 0, index)[0] for index in range(20)]
    both = [whole(image, 24, way) for way in FILTERS]
    counts = [sum(near(view, one) for view in views) for one in both]
    assert sum(counts) == 20 and min(counts) > 3
    one = replace(part, interpolation="bicubic")
    sure = RandomCrop(one, (24, 24), 0, "bilinear")
    assert near(sure(image, 0, 5)[0], both[1])


def images(**keys: object) -> tuple[DataSet, Folder]:
    recipe = read(Folder, {"set": "folder", "path": "x", **keys})
    data = DataSet(
        "x", nothing(), nothing(), (), (3, 224, 224), "", resize=256
    )
    return data, recipe


@pytest.mark.parametrize(
    ("middle", "keys", "resize", "way"),
    [
        (0.875, {}, 256, "bicubic"),  # timm: the whole part of 224 / 0.875
        (0.95, {}, 235, "bicubic"),
        (0.9, {}, 248, "bicubic"),
        (
            224 / (232 + 1e-6),
            {},
            232,
            "bicubic",
        ),  # torchvision names both sides
        (
            0.95,
            {"resize": 230, "interpolation": "bilinear"},
            230,
            "bilinear",
        ),
        (None, {}, 256, "bicubic"),
    ],
)
def test_what_weights_state_holds_where_the_recipe_says_nothing(
    middle: float | None, keys: dict[str, object], resize: int, way: str
) -> None:
    stated = StatedImages.of([0.5] * 3, [0.5] * 3).seen(middle, "bicubic")
    found = StatedImages.read(stated.document())
    assert found
    data = found.cropped(*images(**keys))
    assert (data.resize, data.way) == (resize, way)


def test_filters_that_are_not_known_and_sets_in_memory_change_nothing() -> (
    None
):
    stated = StatedImages.of([0.5] * 3, [0.5] * 3).seen(0.9, "lanczos")
    data, recipe = images()
    assert stated.cropped(data, recipe).way == "bilinear"
    assert stated.cropped(data, Digits()) == data
