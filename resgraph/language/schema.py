"""The keys of a spec and what each may hold, as pydantic models; a mistake becomes a diagnostic at its place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..errors import Diagnostic
from .complaints import diagnostics
from .init import Init
from .tree import Mapping, Tree, plain_value


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("`name` is empty")
    if "\n" in text.strip() or "\t" in text.strip():
        raise ValueError("`name` is one line, without tabs")
    return text


Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Map = dict[str, Any]


class Record(BaseModel):
    """Base of the models: closed, frozen, and strict about types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Expect(Record):
    """Claims that `resgraph check` verifies."""

    params: int | None = None
    macs: int | None = None
    depth: int | None = None
    output: str | int | None = None


class File(Record):
    """The keys of a spec. Labels, equations and paths are text here; the parser reads them."""

    name: Title
    about: str = ""
    input: Annotated[str | int, Field(description="`3x224x224`, or `784` for a feature vector")]
    let: Map = {}
    unit: str | list[Any] = "conv bn relu"
    shortcut: Any = "projection"
    ops: dict[str, Map] = {}
    init: Init | None = None
    blocks: Map = {}
    net: Annotated[Map, Field(min_length=1)]
    variants: dict[str, Map] = {}
    extends: str | None = None
    allow: Annotated[list[str], Field(description="lints that this spec silences, by name")] = []
    expect: Expect | dict[str, Expect] | None = None
    train: str | Map | None = None


def validate(tree: Mapping) -> tuple[File | None, list[Diagnostic]]:
    """The keys of a spec, or what is wrong with them, each at its place."""
    value = plain_value(tree)
    expect = value.get("expect")
    if isinstance(expect, dict):  # which of the two forms decides by what it holds, so that one mistake is one error
        by_variant = bool(expect) and all(isinstance(claims, dict) for claims in expect.values())
        model: Any = dict[str, Expect] if by_variant else Expect
        errors = _errors_of(model, expect, tree.entries["expect"].value)
        if errors:
            _, more = validate(Mapping({k: e for k, e in tree.entries.items() if k != "expect"}, tree.span, tree.flow))
            return None, more + errors
    try:
        return File.model_validate(value), []
    except ValidationError as problems:
        return None, diagnostics(problems, tree, File)


def _errors_of(model: Any, value: Any, tree: Tree) -> list[Diagnostic]:
    from pydantic import TypeAdapter

    try:
        TypeAdapter(model).validate_python(value)
    except ValidationError as problems:
        return diagnostics(problems, tree, Expect, "expect")
    return []
