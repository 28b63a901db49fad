"""The record of a study → its JSON Schema (draft 7), by which editors complete and check it."""

from __future__ import annotations

from typing import Any

from ..language.models import model_of
from .schema import StudyFile


def study_schema() -> dict[str, Any]:
    """What `resgraph schema --study` prints."""
    found = model_of(StudyFile).model_json_schema(
        ref_template="#/definitions/{model}"
    )
    found["definitions"] = found.pop("$defs")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **found,
        "title": "a resgraph study",
    }
