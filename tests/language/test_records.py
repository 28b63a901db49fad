"""The records of specs, recipes and ops are made at every start, and pydantic has no annotation of theirs to compile."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import get_annotations

import pytest
from pydantic import BaseModel

from resgraph.language import recipe, schema  # noqa: F401
from resgraph.language.record import Record
from resgraph.ops import Op


def below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for record in kind.__subclasses__():
        yield record
        yield from below(record)


RECORDS = [
    r
    for r in below(Record)
    if r.__module__.startswith("resgraph.language.")
]
OPS = [op for op in below(Op) if op.__module__.startswith("resgraph.ops.")]


@pytest.mark.parametrize("made", [RECORDS, OPS], ids=["records", "ops"])
def test_no_annotation_is_text(made: list[type[BaseModel]]) -> None:
    """With `from __future__ import annotations` all are, and each is compiled to be evaluated."""
    assert len(made) > 40, "else the search is broken"
    texts = [
        (record.__name__, name)
        for record in made
        for name, said in get_annotations(record).items()
        if isinstance(said, str)
    ]
    assert texts == []


def test_what_is_no_field_is_annotated_for_type_checkers_alone() -> None:
    """pydantic would look at it again for every class below."""
    assert any(record.__class_vars__ for record in RECORDS), (
        "else there is none"
    )
    kept = [
        r for r in RECORDS if r.__class_vars__ & get_annotations(r).keys()
    ]
    assert kept == []
