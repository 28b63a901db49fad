"""The keys of a spec and what each may hold, as pydantic models; a mistake becomes a diagnostic at its place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import Diagnostic, Span, fault
from .init import Init
from .tree import Mapping, Scalar, Sequence, Tree, plain_value
from .words import did_you_mean

Text = Annotated[str, Field(min_length=1, max_length=200)]
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

    name: Text
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
        return diagnostics(problems, tree, Expect)
    return []


def diagnostics(problems: ValidationError, tree: Tree, model: type[BaseModel]) -> list[Diagnostic]:
    """pydantic's errors as diagnostics at the keys and values that they speak of, one for each place."""
    out: dict[Span, Diagnostic] = {}
    for error in problems.errors():
        place, key = _locate(tree, error["loc"])
        name = str(error["loc"][-1]) if error["loc"] else ""
        match error["type"]:
            case "extra_forbidden":
                known = ", ".join(model.model_fields)
                hint = did_you_mean(name, model.model_fields) or f"the keys are {known}"
                problem = fault("E020", f"no key `{name}` here", key or place, hint)
            case "missing":
                problem = fault("E021", f"`{name}` is missing", place)
            case _:
                problem = fault("E022", f"`{name}`: {_said(error)}", place)
        out.setdefault(problem.diagnostic.span or place, problem.diagnostic)
    missing = [d for d in out.values() if d.code == "E021"]
    unknown = [d for d in out.values() if d.code == "E020" and "did you mean" in d.help]
    for lost in missing:  # a misspelled key is one mistake, not two
        if any(lost.message.split("`")[1] in other.help for other in unknown):
            out = {span: d for span, d in out.items() if d is not lost}
    return list(out.values())


def _said(error: Any) -> str:
    text = str(error["msg"])
    return text[0].lower() + text[1:]


def _locate(tree: Tree, location: tuple[int | str, ...]) -> tuple[Span, Span | None]:
    """The place of a value, and of its key; parts of a location that are no keys (union members) are passed."""
    key: Span | None = None
    for part in location:
        if isinstance(tree, Mapping) and part in tree.entries:
            entry = tree.entries[str(part)]
            key, tree = entry.key.span, entry.value
        elif isinstance(tree, Sequence) and isinstance(part, int) and part < len(tree.items):
            key, tree = None, tree.items[part]
    span = tree.span
    if isinstance(tree, Mapping) and not isinstance(tree, Scalar):
        span = Span(span.source, span.line, span.column, span.line, span.column + 1)
    return span, key
