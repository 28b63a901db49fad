"""What the records of the package are: structs, whose classes are made a tenth as slowly as
dataclasses, and whose objects are made, compared and hashed in C."""

from __future__ import annotations

from typing import dataclass_transform

from msgspec import Struct, field


# else mypy takes a struct below for one that is not frozen
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Frozen(Struct, frozen=True):
    """A record that does not change, which is hashed by what it holds."""
