"""A mapping → the record that it says, or all that is wrong with it, which loads pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import ValidationError

from .record import Record, checked

_Record = TypeVar("_Record", bound=Record)


def read(
    record: type[_Record], given: Mapping[str, Any], context: Any = None
) -> _Record:
    """The record. Raises `WrongRecord` with every mistake."""
    try:
        return checked(record, given, context)
    except (ValidationError, ValueError):
        from .models import read_by_pydantic

        return read_by_pydantic(record, given, context)
