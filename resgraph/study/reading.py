"""A YAML file → a record, or every mistake in it at its place."""

from __future__ import annotations

from typing import TypeVar

from ..errors import Source, SpecError, in_order
from ..language.diagnose.keys import mistakes
from ..language.extends import read_whole
from ..language.reading import read
from ..language.record import Record, WrongRecord
from ..language.yaml.tree import Mapping, plain_value

_Record = TypeVar("_Record", bound=Record)


def read_record(
    source: Source, kind: type[_Record]
) -> tuple[Mapping, _Record]:
    """The tree of a file, and what it says. Raises `SpecError` with every mistake in it."""
    tree, errors = read_whole(source)
    value = plain_value(tree)
    try:
        file = read(kind, value)
    except WrongRecord as problems:
        found = [
            mistake.at(tree) for mistake in mistakes(problems, value, kind)
        ]
        # what cannot be read is no value, which is told once
        unread = {error.span.line for error in errors}
        told = [d for d in found if d.span.line not in unread]
        raise SpecError(in_order([*errors, *told])) from None
    if errors:
        raise SpecError(in_order(errors))
    return tree, file
