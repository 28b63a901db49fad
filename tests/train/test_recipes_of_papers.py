"""The recipes of papers and libraries, each number beside the place that it comes from."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

import resgraph
from resgraph.language.recipe import Train, resolve_train
from resgraph.train.augment.progressive import decoded_size, size_at
from resgraph.train.engine.schedule import LearningRates

TABLE_2 = {  # arXiv 2110.00476: A2, A3
    "epochs": (300, 100),
    "batch": (2048, 2048),
    "optimizer.name": ("lamb", "lamb"),
    "optimizer.lr": (5e-3, 8e-3),
    "schedule.kind": ("cosine", "cosine"),
    "optimizer.weight_decay": (0.02, 0.02),
    "warmup.length": (5, 5),
    "label_smoothing": (0, 0),
    "augment.repeats": (3, 1),
    "ema": (None, None),
    "augment.flip": (True, True),
    "augment.crop.kind": ("area", "area"),
    "augment.crop.area": ((0.08, 1.0), (0.08, 1.0)),
    "augment.randaugment.magnitude": (7, 6),
    "augment.randaugment.deviation": (0.5, 0.5),
    "augment.randaugment.ops": (
        2,
        2,
    ),  # timm: `rand-` has two where `n` says nothing
    "augment.mixup": (0.1, 0.1),
    "augment.cutmix": (1.0, 1.0),
    "augment.erasing": (0, 0),
    "data.resize": (
        int(224 / 0.95),
        int(224 / 0.95),
    ),  # test crop ratio 0.95
    "target.loss": ("bce", "bce"),
    "target.threshold": (0.2, 0.2),  # timm's `--bce-target-thresh`
    "clip": (1.0, 1.0),  # the largest norm within timm's LAMB
}
COMMAND = {  # pytorch/vision, issue 3995, comment 1013906621
    "batch": 8 * 128,  # --batch-size 128, on 8 GPUs
    "optimizer.lr": 0.5,  # --lr 0.5
    "optimizer.momentum": 0.9,  # the script's default
    "optimizer.nesterov": False,
    "schedule.kind": "cosine",  # --lr-scheduler cosineannealinglr
    "warmup.length": 5,  # --lr-warmup-epochs 5
    "warmup.start": 0.01,  # --lr-warmup-decay 0.01
    "augment.trivialaugment": True,  # --auto-augment ta_wide
    "epochs": 600,  # --epochs 600
    "augment.erasing": 0.1,  # --random-erase 0.1
    "optimizer.weight_decay": 2e-5,  # --weight-decay 0.00002
    "optimizer.no_decay": ("norm",),  # --norm-weight-decay 0.0
    "label_smoothing": 0.1,  # --label-smoothing 0.1
    "augment.mixup": 0.2,  # --mixup-alpha 0.2
    "augment.cutmix": 1.0,  # --cutmix-alpha 1.0
    "progressive.sides": (176,),  # --train-crop-size 176
    "ema.every": 32,  # the script's --model-ema-steps
    "data.resize": 232,  # --val-resize-size 232
    "augment.repeats": 4,  # --ra-sampler --ra-reps 4
    "normalize": "imagenet",
}


def at(recipe: Train, place: str) -> Any:
    found: Any = recipe
    for key in place.split("."):
        found = getattr(found, key)
    return found


@pytest.mark.parametrize("column", [0, 1], ids=["A2", "A3"])
def test_resnet_strikes_back_is_its_table_2(column: int) -> None:
    recipe = resolve_train(("imagenet-rsb-a2", "imagenet-rsb-a3")[column])
    assert {place: at(recipe, place) for place in TABLE_2} == {
        place: row[column] for place, row in TABLE_2.items()
    }
    rates = LearningRates(recipe, 625)
    assert rates.lr(0) == pytest.approx(1e-4, rel=0.03), (
        "timm's --warmup-lr"
    )
    assert rates.lr(rates.steps - 1) == pytest.approx(1e-6, rel=0.01), (
        "its --min-lr"
    )


def test_a3_trains_at_160_pixels_and_tests_at_224() -> None:
    recipe = resolve_train("imagenet-rsb-a3")
    sizes = {
        size_at(epoch, recipe, 625, (224, 224)) for epoch in range(100)
    }
    assert sizes == {(160, 160)}
    assert decoded_size(recipe, (224, 224)) == (160, 160), (
        "files are cut to it at once"
    )
    by_place = replace(recipe, normalize="per-pixel")
    assert decoded_size(by_place, (224, 224)) == (224, 224)
    whole = resolve_train("imagenet-rsb-a2")
    assert decoded_size(whole, (224, 224)) == (224, 224)
    twice = resolve_train("imagenet-progressive")
    assert decoded_size(twice, (224, 224)) == (224, 224)


def test_torchvisions_second_weights_are_its_command() -> None:
    recipe = resolve_train("imagenet-torchvision-v2")
    assert {place: at(recipe, place) for place in COMMAND} == COMMAND
    # references/classification/train.py: the decay counts for one epoch's share of the updates
    adjust = 8 * 128 * 32 / 600
    assert recipe.ema is not None
    assert recipe.ema.decay == pytest.approx(1 - (1 - 0.99998) * adjust)


@pytest.mark.parametrize(
    "name",
    ["imagenet-rsb-a2", "imagenet-rsb-a3", "imagenet-torchvision-v2"],
)
def test_resnet_50_takes_each(name: str) -> None:
    assert (
        resgraph.load("resnet-50", overrides=[f"train={name}"]).unmet()
        == []
    )
