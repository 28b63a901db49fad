"""Annotations with msgspec's bounds → pydantic's, which says what is wrong with a value that does
not fit. It takes long to import, and is for mistakes and JSON Schema alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from operator import or_
from sys import float_info
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from .structs import Frozen

_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length")


class Flaw(Frozen):
    """What pydantic says of a value, and the part of it that is meant."""

    said: str
    value: Any


def flaw(annotation: Any, value: Any) -> Flaw | None:
    """The first thing that is wrong with a value of a type, None where nothing is."""
    try:
        _adapter(annotation).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        return Flaw(first["msg"], first["input"])
    return None


@cache  # making one takes longer than a check of a small net
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(
        for_pydantic(annotation), config=ConfigDict(strict=True)
    )


def for_pydantic(
    annotation: Any, special: Callable[[Any], Any] = lambda _: None
) -> Any:
    """An annotation in pydantic's terms; `special` says what stands for some parts of it, and None
    of others."""
    found = special(annotation)
    if found is not None:
        return found
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal and 1 in parts:
        return Annotated[annotation, BeforeValidator(_whole)]
    if origin in (None, Literal):
        return annotation
    if origin is Annotated:
        inner, *marks = parts
        marks = [special(mark) or _mark(mark) for mark in marks]
        return Annotated[(for_pydantic(inner, special), *marks)]
    types = [for_pydantic(part, special) for part in parts]
    if origin in (Union, UnionType):
        return reduce(or_, types)
    return origin[tuple(types)]


def _whole(value: Any) -> Any:
    """What equals a whole number and is none (`true`, `1.0`) as text, which equals none."""
    return str(value) if isinstance(value, bool | float) else value


def _mark(mark: Any) -> Any:
    if not isinstance(mark, Meta):
        return mark
    if mark.le == float_info.max:
        return Field(allow_inf_nan=False)
    said = {bound: getattr(mark, bound) for bound in _BOUNDS}
    return Field(
        **{key: each for key, each in said.items() if each is not None}
    )
