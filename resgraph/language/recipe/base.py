"""The numbers that the records of a training recipe hold, and what `none` means at their keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from msgspec import Meta

from ...collecting import of_type
from ...structs import Frozen, fields
from ..record import Record, default


class Off(Frozen):
    """What `none` means at a key whose default does not say: the value that turns it off."""

    value: Any


NO_OFF = Off(...)
"""Of a key whose default looks like "off" and is none."""

Filter = Literal["bilinear", "bicubic"]
"""By which an image is resized."""
FILTERS: tuple[Filter, ...] = get_args(Filter)
Rate = Annotated[float, Meta(gt=0, le=100)]
Share = Annotated[float, Meta(ge=0, lt=1)]
UnitShare = Annotated[float, Meta(ge=0, le=1)]
PositiveShare = Annotated[float, Meta(gt=0, le=1)]
ProperShare = Annotated[float, Meta(gt=0, lt=1)]
Strength = Annotated[float, Meta(ge=0, le=10)]
RateFactor = Annotated[float, Meta(gt=0, le=1000)]
Count = Annotated[int, Meta(ge=1, le=10**9)]
Length = Annotated[float, Meta(gt=0, le=10**9)]
Seed = Annotated[int, Meta(ge=0, le=2**63 - 1), NO_OFF]


def off(record: type[Record], key: str) -> Any:
    """What `none` means at a key: None where it takes the key away, `...` where it can mean
    nothing."""
    field = fields(record)[key]
    marks = getattr(field.type, "__metadata__", ())
    said = [mark.value for mark in of_type(Off, marks)]
    if said:
        return said[-1]
    usual = default(field)
    gone = field.required or not usual or isinstance(usual, Record)
    return None if gone else ...
