"""`none` turns a key of a recipe off, or is refused; a key that there is not is told, as with any other value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_origin

import pytest
from nets import mistakes, pointed, spec

from resgraph.language.recipe import Train, WrongRecipe, resolve_train
from resgraph.language.recipe.augment import (
    AreaCrop,
    Augment,
    PadCrop,
    RandAugment,
    SideCrop,
)
from resgraph.language.recipe.data import (
    Arrays,
    Cifar,
    Digits,
    Folder,
    Idx,
    ImageNet,
    Listed,
    Parquet,
    Shards,
    Synthetic,
)
from resgraph.language.recipe.start import (
    ChannelNorm,
    Rates,
    StartingWeights,
    Whiten,
)
from resgraph.language.recipe.steps import (  # fmt: skip
    AdamW,
    Constant,
    Cosine,
    Ema,
    Hold,
    Lamb,
    Linear,
    Muon,
    OneCycle,
    PartStep,
    Plateau,
    Progressive,
    Ramp,
    Sgd,
    Steps,
    UntilError,
)
from resgraph.language.recipe.target import (
    Itself,
    Labels,
    PixelLabel,
    Regression,
    SingleLabel,
)
from resgraph.language.record import Record, records
from resgraph.structs import fields


@pytest.mark.parametrize(
    ("train", "key", "meant"),
    [
        ("{recipe: digits, wramup: none}", "wramup", "warmup"),
        (
            "{recipe: digits, optimizer: {momentmu: none}}",
            "momentmu",
            "momentum",
        ),
        (
            "{recipe: imagenet, optimizer: {name: adamw, lr: 0.1, bteas: none}}",
            "bteas",
            "betas",
        ),
        ("{recipe: imagenet, augment: {cropp: none}}", "cropp", "crop"),
    ],
)
def test_an_unknown_key(train: str, key: str, meant: str) -> None:
    (found,) = mistakes(
        spec(
            "one: [3x3 conv 8, global avg pool, fc 10]",
            top=f"train: {train}",
        )
    )
    assert (found.code, pointed(found)) == ("E020", key)
    assert f"`{meant}`" in str(found.help)


def test_a_key_that_may_be_missing_and_one_that_may_not() -> None:
    assert (
        resolve_train(
            {"recipe": "digits", "warmup": "none", "ema": "none"}
        ).warmup
        is None
    )
    assert (
        resolve_train({"recipe": "imagenet", "warmup": "none"}).warmup
        is None
    )
    with pytest.raises(WrongRecipe, match="`batch` is missing"):
        resolve_train({"recipe": "digits", "batch": "none"})


ONCE = (("accumulate", 1), ("repeats", 1), ("decay", 1.0))
"""What is off where it is 1."""
OFF = (None, False, 0, (), {}, "", Augment(), Constant())
"""What a run goes without."""


Place = tuple[tuple[str, type[Record] | None], ...]
"""Keys from the outermost on, each with the record that it is of; a name of a mapping is of none."""


def keys(record: type[Record], place: Place) -> Iterator[Place]:
    """The place of each key of a recipe."""
    for key, field in fields(record).items():
        own = (*place, (key, record))
        yield own
        if get_origin(field.type) is dict:
            own = (*own, ("head", None))
        for inner in records(field.type):
            yield from keys(inner, own)


NEEDED: dict[type[Record], dict[str, object]] = {
    Train: {"data": "digits", "epochs": 30, "batch": 128, "optimizer": {"name": "sgd", "lr": 0.1}},
    Sgd: {"name": "sgd", "lr": 0.1}, AdamW: {"name": "adamw", "lr": 0.1}, PartStep: {"lr": 0.1},
    Lamb: {"name": "lamb", "lr": 0.1}, Muon: {"name": "muon", "lr": 0.1},
    Constant: {"kind": "constant"}, Steps: {"kind": "steps", "at": [10, 20]}, Cosine: {"kind": "cosine"},
    Linear: {"kind": "linear"}, OneCycle: {"kind": "one-cycle"}, Plateau: {"kind": "plateau"},
    Ramp: {"kind": "linear", "length": 5}, Hold: {"kind": "hold", "lr": 0.01, "length": 5},
    UntilError: {"kind": "until", "lr": 0.01, "error": 80}, Ema: {"decay": 0.99}, Progressive: {"sides": [4, 6]},
    PadCrop: {"kind": "pad", "cells": 4}, AreaCrop: {"kind": "area"}, SideCrop: {"kind": "side"},
    RandAugment: {}, Augment: {}, Digits: {"set": "digits"}, Cifar: {"set": "cifar10"},
    Idx: {"set": "idx"}, SingleLabel: {"kind": "label"}, Labels: {"kind": "labels"}, Regression: {"kind": "number"},
    PixelLabel: {"kind": "map"}, Itself: {"kind": "itself"},
    Listed: {"set": "list", "path": "x"}, Arrays: {"set": "arrays", "path": "x"},
    ImageNet: {"set": "imagenet", "path": "x"}, StartingWeights: {"file": "x.safetensors"}, Rates: {"decay": 0.5},
    Whiten: {"layer": "conv1"}, ChannelNorm: {"mean": [0.5], "std": [0.2]},
    Parquet: {"set": "parquet", "path": "x"},
    Folder: {"set": "folder", "path": "x"}, Shards: {"set": "shards", "path": "x"}, Synthetic: {"set": "synthetic"},
}  # fmt: skip
EVERY = [*keys(Train, ())]


@pytest.mark.parametrize(
    "place", EVERY, ids=lambda place: ".".join(key for key, _ in place)
)
@pytest.mark.parametrize("named", [True, False])
def test_none_is_off_or_refused(place: Place, named: bool) -> None:
    """At each key of each record, over a named recipe and in a map of its own."""
    own: object = "none"
    for key, record in reversed(place):
        needed = {} if record in (None, Train) else NEEDED[record]
        own = {**needed, key: own}
    assert isinstance(own, dict)
    path = [key for key, _ in place]
    whole = {"recipe": "imagenet-modern"} if named else NEEDED[Train]
    value: object = None
    try:
        value = resolve_train({**whole, **own})
    except WrongRecipe as problem:
        (found,) = problem.mistakes
        assert (
            path[-1] in found.said
            or "no length" in found.said
            or found.said.startswith("`none` is not one of")
        )
        return
    for key in path:
        value = (
            value[key] if isinstance(value, dict) else getattr(value, key)
        )
    assert value in OFF or (path[-1], value) in ONCE
    assert not isinstance(value, int) or "seed" not in path[-1]


@pytest.mark.parametrize(
    ("train", "key", "hint"),
    [
        (
            "{recipe: digits, optimizer: {name: adamw, lr: 0.1, betas: none}}",
            "betas",
            "`betas: [0.9, 0.999]`",
        ),
        ("{recipe: digits, seed: none}", "seed", "`seed: 0`"),
        ("{recipe: digits, data: {size: none}}", "size", "`size: 8`"),
        (
            "{recipe: imagenet, data: {resize: none}}",
            "resize",
            "leave it out",
        ),
        (
            "{recipe: imagenet, augment: {crop: {side: none}}}",
            "side",
            "`side: [256, 480]`",
        ),
    ],
)
def test_what_has_no_off_says_what_to_write(
    train: str, key: str, hint: str
) -> None:
    (found,) = mistakes(
        spec(
            "one: [3x3 conv 8, global avg pool, fc 10]",
            top=f"train: {train}",
        )
    )
    assert (found.code, pointed(found), found.message) == (
        "E022",
        "none",
        f"`{key}` has no `none`",
    )
    assert hint in found.help


def test_off_over_a_named_recipe() -> None:
    written = {
        "optimizer": {
            "momentum": "none",
            "nesterov": False,
            "weight_decay": "none",
        },
        "warmup": "none",
    }
    train = resolve_train({"recipe": "cifar-wide", **written})
    assert isinstance(train.optimizer, Sgd)
    assert (
        train.optimizer.momentum,
        train.optimizer.weight_decay,
        train.warmup,
    ) == (
        0,
        0,
        None,
    )
    modern = resolve_train(
        {
            "recipe": "imagenet-modern",
            "augment": {"mixup": "none", "crop": "none"},
            "ema": "none",
        }
    )
    assert (modern.augment.mixup, modern.augment.crop, modern.ema) == (
        0,
        None,
        None,
    )
    assert modern.augment.cutmix > 0, "the rest stays"


def test_a_length_that_is_none_leaves_the_other() -> None:
    assert (
        resolve_train({"recipe": "cifar", "epochs": "none"}).iterations
        == 64_000
    )
    assert (
        resolve_train({"recipe": "digits", "iterations": "none"}).epochs
        == 30
    )
    with pytest.raises(WrongRecipe, match="no length"):
        resolve_train({"recipe": "digits", "epochs": "none"})
