"""Whatever stands at a key of a recipe, a study or a spec, its record is made or the place is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent
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


def written(document: dict[str, Any]) -> str:
    """As YAML, a list of layers without quotes."""
    text = yaml.safe_dump(document, sort_keys=False)
    return text.replace("'[", "[").replace("]'", "]")


def every_value(
    path: tuple[str, ...],
    around: dict[str, Any],
    made: Callable[[str], object],
) -> None:
    """Each at a key, read by `made`: a mistake has a place, and nothing else is raised."""
    for value in VALUES:
        text = written({**around, **put(path, value)})
        try:
            made(text)
        except SpecError as problem:
            assert all(each.span for each in problem.diagnostics), text


@pytest.mark.parametrize("path", sorted({*places(Train)}), ids=".".join)
def test_a_recipe(path: tuple[str, ...]) -> None:
    def made(text: str) -> object:
        return loads(f"{written(NET)}train:\n{indent(text, '  ')}")

    every_value(path, {"recipe": "digits"}, made)


@pytest.mark.parametrize("path", sorted({*places(File)}), ids=".".join)
def test_a_spec(path: tuple[str, ...]) -> None:
    every_value(path, NET, loads)


@pytest.mark.parametrize("path", sorted({*places(StudyFile)}), ids=".".join)
def test_a_study(path: tuple[str, ...]) -> None:
    study = {"study": "one", "nets": "digits"}
    every_value(
        path, study, lambda text: study_of(Source("a.yaml", text), Path())
    )
