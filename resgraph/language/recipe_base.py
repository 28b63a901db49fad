"""What all records of a training recipe are, and the numbers they hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(gt=0, le=100)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Length = Annotated[float, Field(gt=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Record(BaseModel):
    """A mapping of the `train:` section: no unknown keys, no conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)
