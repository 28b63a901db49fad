"""The `train:` section: named recipes, overrides key by key, and mistakes with their places."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from resgraph.language.recipe import (
    Train,
    WrongRecipe,
    recipe_names,
    resolve_train,
)
from resgraph.language.recipe.augment import SideCrop
from resgraph.language.recipe.data import Digits
from resgraph.language.recipe.steps import (
    Cosine,
    Hold,
    Plateau,
    Ramp,
    Steps,
    UntilError,
)


@pytest.mark.parametrize("name", recipe_names())
def test_every_named_recipe_reads_back_from_its_own_document(
    name: str,
) -> None:
    recipe = resolve_train(name)
    assert recipe.about
    assert resolve_train(recipe.document()) == recipe


def test_the_cifar_recipe_is_section_4_2() -> None:
    recipe = resolve_train("cifar")
    assert (recipe.unit, recipe.length, recipe.batch) == (
        "iterations",
        64_000,
        128,
    )
    assert recipe.schedule == Steps(
        kind="steps", at=(32_000, 48_000), factor=0.1
    )
    assert (recipe.optimizer.lr, recipe.optimizer.weight_decay) == (
        0.1,
        1e-4,
    )
    assert recipe.normalize == "per-pixel"
    assert recipe.augment.flip
    assert recipe.warmup is None
    assert resolve_train("cifar-deep").warmup == UntilError(
        kind="until", lr=0.01, error=80
    )
    assert resolve_train("cifar-preact").warmup == Hold(
        kind="hold", lr=0.01, length=400
    )


def test_the_imagenet_recipe_is_section_3_4() -> None:
    recipe = resolve_train("imagenet")
    assert (recipe.unit, recipe.length, recipe.batch) == (
        "iterations",
        600_000,
        256,
    )
    assert isinstance(recipe.schedule, Plateau)
    assert recipe.augment.crop == SideCrop(kind="side", side=(256, 480))


def test_keys_merge_one_by_one() -> None:
    base = resolve_train("digits")
    other = resolve_train(
        {"recipe": "digits", "epochs": 5, "optimizer": {"lr": 0.01}}
    )
    assert other.optimizer.lr == 0.01
    assert replace(other.optimizer, lr=base.optimizer.lr) == base.optimizer
    assert other.epochs == 5
    assert other.augment == base.augment


def test_another_kind_replaces_the_mapping() -> None:
    recipe = resolve_train(
        {"recipe": "cifar", "data": "digits", "schedule": "cosine"}
    )
    assert recipe.data == Digits()
    assert recipe.schedule == Cosine(kind="cosine")


def test_none_takes_a_key_away() -> None:
    assert resolve_train("cifar-fast").ema is not None
    assert (
        resolve_train({"recipe": "cifar-fast", "ema": "none"}).ema is None
    )
    assert not resolve_train(
        {"recipe": "digits", "optimizer": {"no_decay": "none"}}
    ).optimizer.no_decay


def test_the_length_changes_its_unit_with_its_key() -> None:
    recipe = resolve_train({"recipe": "digits", "iterations": 700})
    assert (recipe.unit, recipe.length, recipe.epochs) == (
        "iterations",
        700,
        None,
    )


def lengths(train: Train) -> list[float]:
    """The milestones and the warm-up of a recipe, as many as it has."""
    places = (
        list(train.schedule.at) if isinstance(train.schedule, Steps) else []
    )
    return places + (
        [train.warmup.length]
        if isinstance(train.warmup, Hold | Ramp)
        else []
    )


def test_the_cifar_recipe_can_be_told_in_epochs() -> None:
    recipe = resolve_train(
        {"recipe": "cifar", "data": {"path": "/data"}, "epochs": 20}
    )
    assert (recipe.unit, recipe.length, lengths(recipe)) == (
        "epochs",
        20,
        [10, 15],
    )
    assert recipe.schedule == Steps(kind="steps", at=(10, 15), factor=0.1)
    assert lengths(
        resolve_train({"recipe": "cifar-preact", "epochs": 160})
    ) == [
        80,
        120,
        1,
    ]


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_of_another_length_keeps_its_shares(name: str) -> None:
    whole = resolve_train(name)
    shares = [place / whole.length for place in lengths(whole)]
    short = resolve_train({"recipe": name, "epochs": 2})
    assert (short.unit, short.length) == ("epochs", 2)
    assert [place / 2 for place in lengths(short)] == pytest.approx(shares)
    counted = resolve_train({"recipe": name, "iterations": 100})
    assert (counted.unit, counted.length) == ("iterations", 100)
    assert lengths(counted) == [
        max(1, round(100 * share)) for share in shares
    ]
    same = resolve_train(
        {
            "recipe": name,
            whole.unit: whole.length if whole.epochs else whole.iterations,
        }
    )
    assert same == whole


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("key", ["epochs", "iterations"])
@pytest.mark.parametrize("length", [1, 2, 3, 100_000])
def test_no_length_is_too_short_or_too_long_for_a_recipe(
    name: str, key: str, length: int
) -> None:
    recipe = resolve_train({"recipe": name, key: length})
    assert all(0 < place < length for place in lengths(recipe))
    assert key == "epochs" or all(
        place == int(place) for place in lengths(recipe)
    )
    assert resolve_train(recipe.document()) == recipe


def test_what_is_written_beside_a_recipe_is_not_stretched() -> None:
    written = {"at": [5, 6]}
    recipe = resolve_train(
        {
            "recipe": "cifar-preact",
            "epochs": 20,
            "schedule": written,
            "warmup": {"length": 3},
        }
    )
    assert lengths(recipe) == [5, 6, 3]
    assert lengths(
        resolve_train(
            {"recipe": "cifar", "epochs": 20, "schedule": {"factor": 0.2}}
        )
    ) == [10, 15]


def test_a_map_that_names_no_recipe_is_not_stretched() -> None:
    document = {**resolve_train("cifar-wide").document(), "epochs": 400}
    assert lengths(resolve_train(document)) == [60, 120, 160]
    with pytest.raises(
        WrongRecipe,
        match="160 epochs is not within the run, which ends at 2 epochs; what",
    ):
        resolve_train({**document, "epochs": 2})


@pytest.mark.parametrize(
    "length", ["long", 0, -3, True, 10**400, float("nan")]
)
def test_a_length_that_is_none_stretches_nothing(length: Any) -> None:
    with pytest.raises(WrongRecipe) as caught:
        resolve_train({"recipe": "cifar-preact", "epochs": length})
    assert {mistake.loc for mistake in caught.value.mistakes} == {
        ("epochs",)
    }


BASE: dict[str, Any] = {"recipe": "digits"}


@pytest.mark.parametrize(
    ("value", "loc", "words"),
    [
        ("digit", ("recipe",), "did you mean `digits`"),
        ({**BASE, "batches": 3}, ("batches",), "unknown key `batches`"),
        (
            {**BASE, "optimizer": {"betas": [0.9, 0.9]}},
            ("optimizer", "betas"),
            "unknown key `betas`",
        ),
        (
            {**BASE, "optimizer": {"lr": "big"}},
            ("optimizer", "lr"),
            "`lr` must be a number",
        ),
        (
            {**BASE, "optimizer": "adam"},
            ("optimizer", "name"),
            "`adam` is not one of `sgd`, `adamw`",
        ),
        ({**BASE, "optimizer": "adamw"}, ("optimizer",), "`lr` is missing"),
        (
            {**BASE, "batch": True},
            ("batch",),
            "`batch` must be a whole number",
        ),
        ({**BASE, "epochs": 0}, ("epochs",), "greater than 0"),
        (
            {**BASE, "iterations": 5, "epochs": 5},
            ("iterations",),
            "one of the two",
        ),
        (
            {**BASE, "augment": {"crop": {"cells": 4}}},
            ("augment", "crop"),
            "`kind` of `crop` is missing; write `kind: pad`",
        ),
        (
            {**BASE, "augment": {"crop": {"kind": "pad", "cells": 0}}},
            ("augment", "crop", "cells"),
            "`cells` must be at least 1",
        ),
        (
            {**BASE, "schedule": {"kind": "steps", "at": [9, 9]}},
            ("schedule", "at"),
            "must rise",
        ),
        (
            {**BASE, "warmup": {"kind": "linear", "length": 30}},
            ("warmup", "length"),
            "ends at 30 epochs (as in recipe `digits`); what is written counts epochs, as the run does: "
            "write `length: 1.5`",
        ),
        (
            {
                "recipe": "cifar",
                "epochs": 20,
                "schedule": {"at": [32_000, 48_000]},
            },
            ("schedule", "at"),
            "`schedule.at`: 48000 epochs is not within the run, which ends at 20 epochs; what is written counts "
            "epochs, as the run does: write `at: [10, 15]`",
        ),
        (
            {**BASE, "accumulate": 3},
            ("accumulate",),
            "cannot be cut into 3",
        ),
        (
            {**BASE, "optimizer": {"momentum": 0.0}},
            ("optimizer", "nesterov"),
            "momentum above 0",
        ),
    ],
)
def test_a_mistake_points_at_its_key(
    value: Any, loc: tuple[str, ...], words: str
) -> None:
    with pytest.raises(WrongRecipe) as caught:
        resolve_train(value)
    (mistake,) = caught.value.mistakes
    assert mistake.loc == loc
    assert words in str(mistake)


def test_mistakes_come_all_at_once() -> None:
    with pytest.raises(WrongRecipe) as caught:
        resolve_train(
            {
                **BASE,
                "batch": 0,
                "optimizer": {"lr": -1, "x": 1},
                "seed": 1.5,
            }
        )
    assert {mistake.loc for mistake in caught.value.mistakes} == {
        ("batch",),
        ("optimizer", "lr"),
        ("optimizer", "x"),
        ("seed",),
    }


def test_a_recipe_is_frozen_and_hashable_by_value() -> None:
    assert isinstance(resolve_train("digits"), Train)
    with pytest.raises(AttributeError):
        resolve_train("digits").batch = 3  # type: ignore[misc]


def test_a_named_recipe_is_read_once_and_changed_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = resolve_train("imagenet")
    resolve_train(
        {"recipe": "imagenet", "schedule": {"factor": 0.5}, "epochs": "3"}
    )
    monkeypatch.setattr("yaml.safe_load", None)
    assert resolve_train("imagenet") == before
