"""`none` takes a key of a recipe away; a key that there is not is told, as with any other value."""

from __future__ import annotations

import pytest
from nets import mistakes, pointed, spec
from pydantic import ValidationError

from resgraph.language.recipe import resolve_train


@pytest.mark.parametrize(
    ("train", "key", "meant"),
    [
        ("{recipe: digits, wramup: none}", "wramup", "warmup"),
        ("{recipe: digits, optimizer: {momentmu: none}}", "momentmu", "momentum"),
        ("{recipe: imagenet, optimizer: {name: adamw, lr: 0.1, bteas: none}}", "bteas", "betas"),
        ("{recipe: imagenet, augment: {cropp: none}}", "cropp", "crop"),
    ],
)
def test_an_unknown_key(train: str, key: str, meant: str) -> None:
    (found,) = mistakes(spec("one: [3x3 conv 8, global avg pool, fc 10]", top=f"train: {train}"))
    assert (found.code, pointed(found)) == ("E020", key)
    assert f"`{meant}`" in str(found.help)


def test_a_key_that_may_be_missing_and_one_that_may_not() -> None:
    assert resolve_train({"recipe": "digits", "warmup": "none", "ema": "none"}).warmup is None
    assert resolve_train({"recipe": "imagenet", "warmup": "none"}).warmup is None
    with pytest.raises(ValidationError, match="`batch` is missing"):
        resolve_train({"recipe": "digits", "batch": "none"})
