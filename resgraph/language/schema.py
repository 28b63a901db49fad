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
    out: dict[tuple[Span, str], Diagnostic] = {}
    for error in problems.errors():
        place, key = _locate(tree, error["loc"])
        name = str(error["loc"][-1]) if error["loc"] else ""
        match error["type"]:
            case "extra_forbidden":
                known = ", ".join(model.model_fields)
                hint = did_you_mean(name, model.model_fields) or f"the keys are {known}"
                problem = fault("E020", f"no key `{name}` here", key or place, hint)
            case "missing":
                problem = fault("E021", f"`{name}` is missing", place, _MISSING.get(name, ""))
            case _:
                message, found, word = _said(name, error).partition("; did you mean ")
                hint = f"did you mean {word}" if found else _MISSING.get(name, "")
                problem = fault("E022", message, place, hint)
        out.setdefault((problem.diagnostic.span or place, name * (error["type"] == "missing")), problem.diagnostic)
    unknown = [d.help for d in out.values() if d.code == "E020" and "did you mean" in d.help]
    missing = [d for d in out.values() if d.code == "E021"]
    # A misspelled key is one mistake, not two.
    lost = [d for d in missing if any(f"`{d.message.split('`')[1]}`" in help_ for help_ in unknown)]
    return [d for d in out.values() if d not in lost]


_MISSING = {
    "name": "the title of tables and pictures: `name: ResNet-50`",
    "input": "what an image is: `input: 3x224x224`",
    "net": "the rows: `net: {conv1: 7x7 conv 64 /2, …}`",
}
_SAID = {
    "dict_type": "is a map of names",
    "list_type": "is a list",
    "string_type": "is text",
    "int_type": "is a whole number",
    "int_from_float": "is a whole number",
    "float_type": "is a number",
    "bool_type": "is true or false",
    "too_short": "is empty",
    "string_too_short": "is empty",
}


def _said(name: str, error: Any) -> str:
    """pydantic's message in the words of the language."""
    if said := _SAID.get(error["type"]):
        return f"`{name}` {said}"
    text = str(error["msg"]).removeprefix("Value error, ")
    if "; did you mean" in text:
        return text
    if text.startswith("Input should be "):
        return f"`{name}` must be {text.removeprefix('Input should be ')}"
    return f"`{name}`: {text[0].lower()}{text[1:]}"


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
