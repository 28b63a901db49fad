"""The numbers that the records of a training recipe hold, and what `none` means at their keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ...structs import Frozen
from ..record import Record


class Off(Frozen):
    """What `none` means at a key whose default does not say: the value that turns it off."""

    value: Any


NO_OFF = Off(...)
"""Of a key whose default looks like "off" and is none."""

Filter = Literal["bilinear", "bicubic"]
"""By which an image is resized."""
FILTERS: tuple[Filter, ...] = get_args(Filter)
Rate = Annotated[float, Field(gt=0, le=100)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Length = Annotated[float, Field(gt=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**63), NO_OFF]


def off(record: type[Record], key: str) -> Any:
    """What `none` means at a key: None where it takes the key away, `...` where it can mean
    nothing."""
    field = record.model_fields[key]
    said = [mark.value for mark in field.metadata if isinstance(mark, Off)]
    if said:
        return said[-1]
    gone = (
        field.is_required()
        or not field.default
        or isinstance(field.default, Record)
    )
    return None if gone else ...
