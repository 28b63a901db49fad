"""Whatever stands at a key of a recipe, a study or a spec, its record is made or the place is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from resgraph import SpecError, loads
from resgraph.errors import Source
from resgraph.language.recipe import Train
from resgraph.language.record import Record, fields, records
from resgraph.language.schema import File
from resgraph.study.schema import StudyFile, study_of

VALUES = [
    True, -1, 0.5, float("nan"), "word", "", "none", [], [1], ["word"], {}, {"word": 1}, {"kind": "word"}, {"name": 3},
]  # fmt: skip


def places(
    record: type[Record], depth: int = 1, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The keys of a record, and of the records below it."""
    for name, field in fields(record).items():
        yield (*path, name)
        for inner in records(field.type):
            if len(path) < depth:
                yield from places(inner, depth, (*path, name))


def put(path: tuple[str, ...], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


NET = {
    "name": "net",
    "input": "1x8x8",
    "net": {"a": "[3x3 conv 8, global avg pool, fc 10]"},
}
RECIPES = sorted({*places(Train)})


@pytest.mark.parametrize("path", RECIPES, ids=".".join)
def test_a_recipe(path: tuple[str, ...]) -> None:
    for value in VALUES:
        train = {"recipe": "digits"} | put(path, value)
        text = yaml.safe_dump({**NET, "train": train}, sort_keys=False)
        try:
            loads(text.replace("'[", "[").replace("]'", "]"))
        except SpecError as problem:
            assert all(each.span for each in problem.diagnostics), text


@pytest.mark.parametrize("path", sorted({*places(File)}), ids=".".join)
def test_a_spec(path: tuple[str, ...]) -> None:
    for value in VALUES:
        text = yaml.safe_dump({**NET, **put(path, value)}, sort_keys=False)
        try:
            loads(text.replace("'[", "[").replace("]'", "]"))
        except SpecError as problem:
            assert all(each.span for each in problem.diagnostics), text


@pytest.mark.parametrize("path", sorted({*places(StudyFile)}), ids=".".join)
def test_a_study(path: tuple[str, ...]) -> None:
    for value in VALUES:
        study = {"study": "one", "nets": "digits", **put(path, value)}
        try:
            study_of(
                Source("a.yaml", yaml.safe_dump(study, sort_keys=False)),
                Path(),
            )
        except SpecError as problem:
            assert all(each.span for each in problem.diagnostics), study
