"""A net that could not be trained on the data of its recipe is told before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

import resgraph
from resgraph.cli import run
from resgraph.errors import Diagnostic

REST = "net:\n  conv1: 3x3 conv 8\n  head: [global avg pool, fc {classes}]\ntrain: {train}\n"


def problems(shape: str, classes: int, train: str) -> list[Diagnostic]:
    text = f"name: a\ninput: {shape}\n" + REST.format(
        classes=classes, train=train
    )
    return resgraph.loads(text).unmet()


@pytest.mark.parametrize(
    ("shape", "classes", "train"),
    [
        ("1x8x8", 10, "digits"),
        ("3x32x32", 10, "{recipe: digits, data: {size: 32, channels: 3}}"),
        ("3x32x32", 10, "cifar"),
        ("3x32x32", 100, "{recipe: cifar, data: cifar100}"),
        ("3x224x224", 1000, "imagenet"),
        ("5x9x7", 3, "synthetic"),
    ],
)
def test_what_fits_is_clean(shape: str, classes: int, train: str) -> None:
    assert problems(shape, classes, train) == []


def test_without_a_recipe_nothing_is_asked() -> None:
    text = "name: a\ninput: 3x9x9\n" + REST.format(
        classes=7, train="digits"
    ).replace("train: digits\n", "")
    assert resgraph.loads(text).unmet() == []


@pytest.mark.parametrize(
    ("shape", "classes", "train", "lines"),
    [
        ("1x28x28", 10, "digits", [2]),
        ("1x8x8", 9, "digits", [5]),
        ("3x32x32", 10, "{recipe: digits, data: {size: 32}}", [2]),
        ("3x32x32", 100, "cifar", [5]),
        ("3x224x224", 10, "{recipe: cifar, data: cifar100}", [2, 5]),
    ],
)
def test_what_does_not_fit_is_told_where_it_is_written(
    shape: str, classes: int, train: str, lines: list[int]
) -> None:
    found = problems(shape, classes, train)
    assert [d.code for d in found] == ["E051"] * len(lines)
    assert [d.span.line for d in found if d.span] == lines


def test_the_place_is_the_users_own_where_the_last_layer_is_of_the_library() -> (
    None
):
    text = "name: a\ninput: 1x8x8\nnet:\n  conv1: 3x3 conv 16\n  last: 2 x basic 16\ntrain: digits\n"
    (problem,) = resgraph.loads(text).unmet()
    assert problem.span is not None and problem.span.line == 5
    assert problem.help == "end it with `[global avg pool, fc 10]`"


def test_check_fails(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(
        "name: a\ninput: 3x32x32\n" + REST.format(classes=9, train="cifar"),
        encoding="utf-8",
    )
    assert run(["check", str(spec)]) == 1
