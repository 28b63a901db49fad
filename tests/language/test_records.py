"""The records of specs and recipes are made at every start, and pydantic has no annotation of theirs to compile."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import get_annotations

from resgraph.language import schema  # noqa: F401
from resgraph.language.record import Record


def below(kind: type[Record]) -> Iterator[type[Record]]:
    for record in kind.__subclasses__():
        yield record
        yield from below(record)


RECORDS = [r for r in below(Record) if r.__module__.startswith("resgraph.language.")]


def test_no_annotation_of_a_record_is_text() -> None:
    """With `from __future__ import annotations` all are, and each is compiled to be evaluated."""
    assert len(RECORDS) > 40, "else the search is broken"
    texts = [
        (record.__name__, name)
        for record in RECORDS
        for name, said in get_annotations(record).items()
        if isinstance(said, str)
    ]
    assert texts == []


def test_what_is_no_field_is_annotated_for_type_checkers_alone() -> None:
    """pydantic would look at it again for every class below."""
    assert any(record.__class_vars__ for record in RECORDS), "else there is none"
    kept = [r for r in RECORDS if r.__class_vars__ & get_annotations(r).keys()]
    assert kept == []
