"""What the records of the package are: structs, whose classes are made a tenth as slowly as
dataclasses, and whose objects are made, compared and hashed in C."""

from __future__ import annotations

from functools import cache
from typing import dataclass_transform

from msgspec import Struct, field
from msgspec import structs as of_msgspec


# else mypy takes a struct below for one that is not frozen
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Frozen(Struct, frozen=True):
    """A record that does not change, which is hashed by what it holds."""


@cache
def fields(struct: type[Struct]) -> dict[str, of_msgspec.FieldInfo]:
    """The fields of a struct, in order, by name."""
    return {field.name: field for field in of_msgspec.fields(struct)}
