"""Recipes are listed, and printed as they are written."""

from __future__ import annotations

import json

import pytest

from resgraph.cli import run
from resgraph.language.recipe import recipe_names


def test_all_are_listed_with_what_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(recipe_names())
    assert all(len(line.split()) > 3 for line in lines)
    assert run(["recipes", "--json"]) == 0
    assert [
        entry["name"] for entry in json.loads(capsys.readouterr().out)
    ] == list(recipe_names())


def test_one_is_printed_to_copy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "cifar"]) == 0
    assert (
        "schedule: {kind: steps, at: [32_000, 48_000], factor: 0.1}"
        in capsys.readouterr().out
    )
    assert run(["recipes", "cifr"]) == 2
    assert "did you mean `cifar`?" in capsys.readouterr().err
