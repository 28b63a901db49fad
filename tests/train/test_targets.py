"""What a net learns of an image: from the key of a recipe to an evaluation of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import resgraph
from resgraph.errors import Diagnostic
from resgraph.language.recipe.target import Labels, PixelLabel, SingleLabel
from resgraph.train import Options, build, evaluate
from resgraph.train.tasks.weights import class_weights

FAST = Options(threads=1, workers=0, device="cpu", compile="off")
AUTOENCODER = """
name: a
input: 1x8x8
net:
  down: [3x3 conv 16 /2, 3x3 conv 24]
  up: [upsample 2, 3x3 conv 16]
  last: 3x3 conv 1 linear
train:
  recipe: digits
  target: itself
  epochs: {epochs}
  augment: none
  label_smoothing: none
"""


def test_an_autoencoder_is_trained_evaluated_and_resumed(
    tmp_path: Path,
) -> None:
    plan = resgraph.loads(AUTOENCODER.format(epochs=2))
    assert plan.unmet() == []
    whole = build(plan, out=tmp_path / "run", options=FAST)
    assert whole.measure == "R²" and 50 < whole.accuracy < 100
    score = evaluate(tmp_path / "run", options=FAST)
    assert score.error == pytest.approx(100 - whole.accuracy)
    assert score.measure == "R²"
    ((name, rmse),) = score.details
    assert name == "RMSE" and rmse**2 == pytest.approx(score.loss)


def problems(
    net: str, train: str, shape: str = "3x32x32"
) -> list[Diagnostic]:
    text = f"name: a\ninput: {shape}\nnet:\n  a: [3x3 conv 8, {net}]\ntrain: {train}\n"
    return resgraph.loads(text).unmet()


@pytest.mark.parametrize(
    ("target", "net", "hint"),
    [
        ("itself", "3x3 conv 3 linear", ""),
        ("itself", "3x3 conv 8", "end it with `1x1 conv 3 linear`"),
        ("itself", "global avg pool, fc 10", "enlarge the map with `upsample`"),
        ("label", "3x3 conv 10 linear", "for a class of each pixel write `target: map`"),
        ("label", "global avg pool, fc 1", "to learn a number, write `target: number`"),
    ],
)  # fmt: skip
def test_check_says_what_a_target_needs(
    target: str, net: str, hint: str
) -> None:
    found = problems(net, f"{{recipe: cifar, target: {target}}}")
    assert [d.code for d in found] == (["E051"] if hint else [])
    if hint:
        assert (
            hint in found[0].help
            and found[0].span
            and found[0].span.line == 4
        )


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ("{recipe: cifar, target: map}", "`cifar10` has nothing for `target: map`"),
        ("{recipe: cifar, target: number}", "`cifar10` has nothing for `target: number`"),
        ("{recipe: cifar, target: itself, augment: {mixup: 0.2}}", "`mixup` mixes classes"),
        ("{recipe: cifar, target: itself, label_smoothing: 0.1}", "`label_smoothing` is for classes"),
        ("{recipe: cifar, target: {kind: label, weights: [1, 2]}}", "`target.weights` has 2 numbers, but the net 8"),
    ],
)  # fmt: skip
def test_check_says_what_a_recipe_lacks(train: str, words: str) -> None:
    assert any(
        words in d.message and d.help for d in problems("3x3 conv 8", train)
    )


def test_balanced_weights_make_classes_equal() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 3, -100])
    weights = class_weights(SingleLabel(weights="balanced"), labels, 4)
    assert weights is not None
    sums = [
        float(weights[labels[labels == label]].sum()) for label in (0, 1, 3)
    ]
    assert sums == pytest.approx([7 / 3] * 3), (
        "each class weighs the same in all"
    )
    assert weights[2] == weights[3], "of none there is: as the rarest"
    mask = labels.view(2, 2, 2)
    of_pixels = class_weights(
        PixelLabel(kind="map", weights="balanced"), mask, 4
    )
    assert of_pixels is not None and torch.equal(of_pixels, weights)
    several = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = class_weights(
        Labels(kind="labels", weights="balanced"), several, 2
    )
    assert found is not None and found.tolist() == [3.0, 1.0]
    assert class_weights(SingleLabel(), labels, 4) is None


def test_weights_change_what_is_learned(tmp_path: Path) -> None:
    text = "name: a\ninput: 1x8x8\nnet:\n  a: [3x3 conv 4, global avg pool, fc 10]\ntrain: {train}\n"
    keys: dict[str, Any] = {"recipe": "digits", "epochs": 4}
    results = []
    for number, weights in enumerate([[1.0] * 10, [100.0] + [0.01] * 9]):
        train = {**keys, "target": {"kind": "label", "weights": weights}}
        plan = resgraph.loads(text.replace("{train}", str(train)))
        build(plan, out=tmp_path / str(number), options=FAST)
        results.append(evaluate(tmp_path / str(number), options=FAST))
    # all is said to be the class that weighs most, a tenth of all
    assert results[1].error > 85 > results[0].error
