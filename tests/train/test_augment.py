"""Augmentation: what it may do to pixels, and that each image has a random stream of its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor

from resgraph.language.reading import read
from resgraph.language.recipe.augment import (
    AreaCrop,
    Augment,
    PadCrop,
    RandAugment,
)
from resgraph.train.augment import geometry as module
from resgraph.train.augment.color import augment_pixels
from resgraph.train.augment.geometry import augment, augment_mask
from resgraph.train.augment.mix import mix
from resgraph.train.augment.randaugment import OPERATIONS

INDEX = torch.arange(40)


def images(n: int = 40, channels: int = 3, side: int = 8) -> Tensor:
    return torch.randn(
        n, channels, side, side, generator=torch.Generator().manual_seed(0)
    )


def recipe(**keys: Any) -> Augment:
    return read(Augment, keys)


EVERYTHING = {
    "crop": {"kind": "pad", "cells": 2},
    "flip": True,
    "rotate": 10,
    "zoom": 0.1,
    "shift": 1,
    "cutout": 3,
}


@pytest.mark.parametrize(
    "keys",
    [{key: value} for key, value in EVERYTHING.items()] + [EVERYTHING],
)
def test_an_image_is_treated_alike_in_any_batch(
    keys: dict[str, Any],
) -> None:
    x = images()
    whole = augment(x, recipe(**keys), 11, INDEX)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    shuffled = augment(x[order], recipe(**keys), 11, INDEX[order])
    alone = torch.cat(
        [
            augment(x[i : i + 1], recipe(**keys), 11, INDEX[i : i + 1])
            for i in range(40)
        ]
    )
    assert torch.equal(shuffled, whole[order])
    torch.testing.assert_close(alone, whole, rtol=0, atol=1e-6)
    assert whole.shape == x.shape
    assert not torch.equal(whole, x)
    assert not torch.equal(augment(x, recipe(**keys), 12, INDEX), whole)


def test_flip_mirrors_about_half() -> None:
    x = images(400)
    out = augment(x, recipe(flip=True), 3, torch.arange(400))
    mirrored = (out == x.flip(3)).flatten(1).all(1)
    kept = (out == x).flatten(1).all(1)
    assert bool((mirrored ^ kept).all())
    assert 160 < int(mirrored.sum()) < 240


def test_a_crop_is_a_window_of_the_padded_image() -> None:
    x = images(200, 1, 5)
    out = augment(
        x, recipe(crop={"kind": "pad", "cells": 1}), 3, torch.arange(200)
    )
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    windows = torch.stack(
        [
            padded[:, :, i : i + 5, j : j + 5]
            for i in range(3)
            for j in range(3)
        ]
    )
    hits = (windows == out).flatten(2).all(2)
    assert bool((hits.sum(0) == 1).all())
    assert bool((hits.sum(1) > 5).all())  # all nine places come up


def test_cutout_blanks_a_square() -> None:
    x = torch.ones(100, 2, 9, 9)
    out = augment(x, recipe(cutout=3), 3, torch.arange(100))
    blanked = (out == 0).sum((2, 3))
    assert torch.equal(blanked[:, 0], blanked[:, 1])
    # whole, over an edge, over a corner
    assert set(blanked[:, 0].tolist()) == {
        4,
        6,
        9,
    }


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    x = images(1, 1, 8)
    draws = [
        module.uniform(module.key(s, "warp"), torch.tensor([0]), 8)[
            0, 0
        ].item()
        for s in range(4000)
    ]
    seed = min(range(4000), key=lambda s: abs(draws[s] - 1))
    turned = module._warp(x, Augment(rotate=90.0), seed, torch.tensor([0]))
    torch.testing.assert_close(
        turned, torch.rot90(x, 1, (2, 3)), atol=0.05, rtol=0
    )


def test_an_area_crop_of_everything_changes_nothing() -> None:
    x = images()
    crop = {"kind": "area", "area": [1.0, 1.0], "aspect": [1.0, 1.0]}
    torch.testing.assert_close(
        augment(x, recipe(crop=crop), 0, INDEX), x, atol=1e-5, rtol=0
    )


def test_mixtures_hold_what_they_say() -> None:
    x, labels = torch.zeros(8, 1, 16, 16), torch.arange(8)
    x += labels.view(8, 1, 1, 1)
    before = x.clone()
    for step in range(20):
        mixed = mix(x, labels, recipe(mixup=0.4), 0, step)
        assert mixed.partners is not None
        wanted = mixed.share * labels + (1 - mixed.share) * mixed.partners
        torch.testing.assert_close(
            mixed.images.mean((1, 2, 3)), wanted.float()
        )
        cut = mix(x, labels, recipe(cutmix=1.0), 0, step)
        assert cut.partners is not None
        wanted = cut.share * labels + (1 - cut.share) * cut.partners
        torch.testing.assert_close(
            cut.images.mean((1, 2, 3)), wanted.float()
        )
        assert torch.equal(
            cut.main, labels if cut.share >= 0.5 else cut.partners
        )
    assert torch.equal(x, before)
    assert mix(x, labels, recipe(), 0, 0).partners is None
    assert (
        mix(x, labels, recipe(mixup=0.4), 0, 3).share
        == mix(x, labels, recipe(mixup=0.4), 0, 3).share
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_colour_operations_keep_range_and_shape(
    operation: Any, channels: int
) -> None:
    x = (images(6, channels, 12) * 60 + 128).clamp(0, 255)
    for sign in (-0.9, 0.9):
        out = operation(x, torch.full((6,), sign))
        assert out.shape == x.shape
        assert float(out.min()) >= -1e-3
        assert float(out.max()) <= 255 + 1e-3
        same = operation.__name__ == "_identity" or (
            operation.__name__ == "_colour" and channels == 1
        )
        if not same:
            assert not torch.equal(out, x)
        alone = torch.cat(
            [
                operation(x[i : i + 1], torch.full((1,), sign))
                for i in range(6)
            ]
        )
        torch.testing.assert_close(alone, out, atol=1e-3, rtol=0)


def test_repainting_respects_the_levels_of_a_set() -> None:
    raw = torch.randint(0, 17, (40, 1, 8, 8), dtype=torch.uint8)
    assert augment_pixels(raw, recipe(), 16, 0, INDEX) is raw
    out = augment_pixels(
        raw, Augment(randaugment=RandAugment()), 16, 0, INDEX
    )
    assert float(out.max()) <= 16.001
    assert float(out.max()) > 8
    lit = augment_pixels(
        raw.expand(-1, 3, -1, -1), recipe(lighting=0.1), 16, 0, INDEX
    )
    shift = lit - raw
    # one shift for each image and channel
    assert float(shift.var((2, 3)).max()) < 1e-6
    assert float(shift.abs().max()) > 0


def test_a_mask_moves_with_its_image() -> None:
    """Of a picture whose pixels are classes, the mask is the picture after all moves."""
    index = torch.arange(64)
    classes = torch.randint(
        1, 9, (64, 1, 12, 16), generator=torch.Generator().manual_seed(3)
    )
    recipe = Augment(crop=PadCrop(kind="pad", cells=3), flip=True)
    moved = augment(classes.float(), recipe, 5, index)
    mask = augment_mask(classes[:, 0].to(torch.int16), recipe, 5, index)
    outside = moved[:, 0] == 0
    assert outside.any() and torch.equal(mask < 0, outside)
    assert torch.equal(mask.masked_fill(outside, 0).float(), moved[:, 0])
    assert (mask[outside] == -100).all()
    depth = augment_mask(classes.float() * 0.5, recipe, 5, index)
    assert torch.equal(depth.isnan()[:, 0], outside)
    assert torch.equal(depth.nan_to_num() * 2, moved)


def test_a_warped_mask_is_the_nearest_pixel_of_its_image() -> None:
    """Halves of an image stay halves: where bilinear pixels are of one class, the mask says it."""
    index = torch.arange(32)
    halves = torch.ones(32, 1, 24, 24)
    halves[..., 12:] = 2.0
    crop = AreaCrop(kind="area", area=(0.4, 1.0))
    recipe = Augment(
        rotate=25, zoom=0.2, shift=3, crop=crop, flip=True, cutout=4
    )
    moved = augment(halves, replace(recipe, cutout=0), 7, index)[:, 0]
    mask = augment_mask(halves[:, 0].to(torch.int16), recipe, 7, index)
    for label in (1, 2):
        sure = moved == label
        assert sure.float().mean() > 0.2
        assert (mask[sure] == label).all()
    assert ((mask == -100) == (moved < 0.5)).float().mean() > 0.99, (
        "what came in from outside"
    )


def test_repeated_images_are_not_mixed_with_themselves() -> None:
    """Copies stand side by side, so the partner is as many places away."""
    labels = torch.arange(4).repeat_interleave(3)
    x = labels.float().view(-1, 1, 1, 1).expand(12, 1, 4, 4)
    batch = mix(x, labels, recipe(mixup=1.0, repeats=3), 0, 0)
    assert batch.partners is not None
    assert torch.equal(batch.partners, (labels - 1) % 4)
    expected = batch.share * labels + (1 - batch.share) * batch.partners
    torch.testing.assert_close(batch.images[:, 0, 0, 0], expected)


def test_erasing_blanks_rectangles_as_torchvision_draws_them() -> None:
    """As many as asked for, of 2 to 33 % of the area, each whole within the image."""
    index = torch.arange(4000)
    x = augment(
        torch.ones(4000, 2, 32, 24), Augment(erasing=0.4), 11, index
    )
    gone = (x == 0).all(1)
    assert torch.equal(gone, (x == 0).any(1)), "all channels alike"
    some = gone.flatten(1).any(1)
    assert some.float().mean() == pytest.approx(0.4, abs=0.03)
    rows, columns = gone[some].any(2), gone[some].any(1)
    tall, wide = rows.sum(1), columns.sum(1)
    assert torch.equal(tall * wide, gone[some].sum((1, 2))), (
        "they are rectangles"
    )
    share = (tall * wide) / (32 * 24)
    assert share.min() > 0.015 and share.max() < 0.345
    assert share.mean() == pytest.approx(0.175, abs=0.02), (
        "the area is uniform"
    )
    assert rows.float().mean(0)[[0, -1]].min() > 0.05, (
        "they reach the edges"
    )


def test_trivialaugment_does_one_thing_of_any_strength() -> None:
    index = torch.arange(2000)
    flat = torch.full((2000, 3, 8, 8), 128, dtype=torch.uint8)
    out = augment_pixels(flat, Augment(trivialaugment=True), 255, 3, index)
    same = (out == 128).flatten(1).all(1).float().mean()
    # of a flat image all but no strength change of brightness and of the five moves, which bring
    # in black, and half of solarize
    assert same == pytest.approx(1 - (6 * 30 / 31 + 1 / 2) / 14, abs=0.03)
    again = augment_pixels(
        flat.flip(0), Augment(trivialaugment=True), 255, 3, index.flip(0)
    )
    assert torch.equal(again.flip(0), out), "an image's numbers are its own"


@pytest.mark.parametrize("number", [1, 3, 5, 10])
def test_the_widest_strengths_are_torchvisions(number: int) -> None:
    """Of TrivialAugmentWide: 0.99 of shear, 32 pixels, 135 degrees, 2 bits left."""
    from resgraph.train.augment import randaugment

    seen: list[float] = []

    def spy(images: Tensor, strength: Tensor) -> Tensor:
        seen.extend(strength.abs().tolist())
        return images

    operations = list(randaugment.WIDE)
    operations[number] = spy
    before, randaugment.WIDE = randaugment.WIDE, tuple(operations)
    try:
        randaugment.trivial_augment(
            torch.zeros(3000, 1, 40, 80), 0, torch.arange(3000)
        )
    finally:
        randaugment.WIDE = before
    full = {1: 0.3, 3: 0.45 * 80, 5: 30, 10: 4}[number]
    widest = {1: 0.99, 3: 32, 5: 135, 10: 6}[number]
    assert max(seen) * full == pytest.approx(widest)
    assert min(seen) == 0 and len({round(each, 5) for each in seen}) == 31
