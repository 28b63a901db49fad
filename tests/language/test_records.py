"""The records of a spec: what msgspec reads is what pydantic would, so that only mistakes load it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from test_recipe_none import NEEDED

from resgraph.language.init import Init
from resgraph.language.models import read_by_pydantic
from resgraph.language.recipe import Train, recipe_names, resolve_train
from resgraph.language.recipe.data import DataSource
from resgraph.language.recipe.steps import TorchOptimizer
from resgraph.language.recipe.target import Goal
from resgraph.language.record import Record, WrongRecord, checked, kinds
from resgraph.language.schema import Expect, File
from resgraph.structs import fields
from resgraph.study.cluster import ClusterFile
from resgraph.study.schema import (
    Budget,
    MatchRule,
    Nets,
    Sample,
    Search,
    StudyFile,
)

SPACE = {"over": {"let.n": [1, 2]}}
BASES: dict[type[Record], dict[str, Any]] = {
    File: {"name": "net", "input": "3x8x8", "net": {"head": "fc 10"}},
    Expect: {},
    Init: {},
    StudyFile: {"study": "depth", "nets": "net.yaml"},
    Nets: {"file": "net.yaml"},
    Sample: {"n": 2, **SPACE},
    Search: {"trials": 2, **SPACE},
    Budget: {"epochs": 1},
    MatchRule: {},
    ClusterFile: {"engine": "local", "workers": 1},
}
"""What each record needs, beside those of recipes."""
ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 7, 5000, 2**63 - 1, 2**63, 10**400, -0.5, 0.0, 0.3, 1.0, 1.5,
    2e9, float("nan"), float("inf"), "", "x", "3", "64_000", "5 %", "none", "he", "dirac", "a\nb",
    "x" * 300, "validation loss at its best", "all but head", [], [1], [0.5, 0.1], [1, 2], [0.1, 1],
    [3, 3], ["a", "b"], ["norm"], [None], {}, {"a": 1}, {"a": {}}, {"a": {"params": "1_000"}},
    {"kind": "linear"}, {"kind": "steps", "at": [1, 2]}, {"kind": "area"}, {"set": "digits"},
    {"name": "sgd", "lr": 0.1}, {"file": "x"}, {"mean": [0.5], "std": [1]}, {"decay": 0.9},
    {"mean": [float("nan")], "std": [1]}, {"mean": [0.5], "std": [1, 2]}, {"params": 3},
)  # fmt: skip
"""Values that some key takes, and many do not."""


def below(kind: type[Record]) -> Iterator[type[Record]]:
    for record in kind.__subclasses__():
        yield record
        yield from below(record)


def needed(record: type[Record]) -> dict[str, Any]:
    given = BASES.get(record) or dict(NEEDED.get(record, {}))
    if len(kinds(record)) == 1 and not given:
        (tag,) = {"set", "name", "kind"} & fields(record).keys()
        given[tag] = kinds(record)[0]
    return given


RECORDS = [
    record
    for record in below(Record)
    if record.__module__.startswith("resgraph.")
    and record not in (DataSource, TorchOptimizer, Goal)
]
"""All but those that others are made of."""


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.__name__)
def test_a_value_is_taken_as_pydantic_takes_it(
    record: type[Record],
) -> None:
    taken = 0
    for key in fields(record):
        for value in (*ODD, needed(record).get(key)):
            given = {**needed(record), key: value}
            try:
                theirs = read_by_pydantic(record, given, None)
            except WrongRecord:
                theirs = None
            try:
                ours = checked(record, given)
            except Exception:
                ours = None
            # by text, where 1 is not 1.0, and a NaN is itself
            assert repr(ours) == repr(theirs), (key, value)
            taken += ours is not None
    assert taken


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_are_read_without_pydantic(name: str) -> None:
    train = resolve_train(name)
    assert checked(Train, train.document()) == train


def test_keys_that_are_unknown_or_missing_are_not_taken() -> None:
    for given in ({"decay": 0.9, "evry": 1}, {"every": 1}):
        with pytest.raises(ValueError, match="key"):
            checked(next(r for r in RECORDS if r.__name__ == "Ema"), given)
