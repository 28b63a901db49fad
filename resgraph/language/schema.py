"""The keys of a spec and what each may hold, as pydantic models; a mistake becomes a diagnostic at
its place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..errors import Diagnostic
from .complaints import diagnostics, key_meant
from .init import Init
from .recipe.errors import refused
from .yaml.limits import LIMITS
from .yaml.scalars import read_plain
from .yaml.tree import Entry, Mapping, Scalar, Tree, plain_value


def _one_line(text: str) -> str:
    if not text.strip():
        raise refused("`name` is empty")
    if "\n" in text.strip() or "\t" in text.strip():
        raise refused("`name` is one line, without tabs")
    return text


Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Map = dict[str, Any]


class Record(BaseModel):
    """Base of the models: closed, frozen, and strict about types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, defer_build=True
    )


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
    input: Annotated[
        str | int, Field(description="`3x224x224`, or `784` for a feature vector")
    ]
    let: Map = {}
    unit: str | list[Any] = "conv bn relu"
    shortcut: Any = "projection"
    ops: dict[str, Map] = {}
    init: Init | None = None
    blocks: Map = {}
    net: Annotated[Map, Field(min_length=1)]
    variants: dict[str, Map] = {}
    extends: str | None = None
    allow: Annotated[
        list[str], Field(description="lints that this spec silences, by name")
    ] = []
    expect: Expect | dict[str, Expect] | None = None
    train: str | Map | None = None


_ASIDE = frozenset(["name", "about", "init", "allow", "expect", "train"])
"""Keys that no shape depends on."""


def validate(tree: Mapping) -> tuple[Mapping, File | None, list[Diagnostic]]:
    """The tree, its keys, and what is wrong with them, each at its place.

    Where no shape depends on what is wrong, that is left out (or stands under the key that was
    meant) and the rest is there to go on with; else there is no `File`."""
    if (claims := tree.entries.get("expect")) and isinstance(claims.value, Mapping):
        counted = Entry(claims.key, _with_numbers(claims.value))
        tree = Mapping({**tree.entries, "expect": counted}, tree.span, tree.flow)
    value = plain_value(tree)
    expect = value.get("expect")
    # which of the two forms decides by what it holds, so that one mistake is one error
    if isinstance(expect, dict):
        by_variant = bool(expect) and all(
            isinstance(claims, dict) for claims in expect.values()
        )
        model: Any = dict[str, Expect] if by_variant else Expect
        errors = _errors_of(model, expect, tree.entries["expect"].value)
        if errors:
            rest, file, more = validate(_without(tree, "expect"))
            return rest, file, more + errors
    try:
        return tree, File.model_validate(value), []
    except ValidationError as problems:
        mended = _mended(tree, problems)
        found = diagnostics(problems, tree, File)
        if mended is None:
            return tree, None, found
        rest, file, more = validate(mended)
        return rest, file, found + more


def _with_numbers(tree: Mapping) -> Mapping:
    """Claims with numbers for those in quotes, as emitters of YAML 1.1 write `25_557_032`."""
    entries = dict(tree.entries)
    for key, entry in tree.entries.items():
        value = entry.value
        if isinstance(value, Mapping):
            entries[key] = Entry(entry.key, _with_numbers(value))
        elif (
            isinstance(value, Scalar)
            and not value.plain
            and key in ("params", "macs", "depth")
        ):
            number = read_plain(value.text, LIMITS.digits)
            if isinstance(number, int):
                entries[key] = Entry(
                    entry.key, Scalar(number, value.text, value.span, True)
                )
    return Mapping(entries, tree.span, tree.flow)


def _mended(tree: Mapping, problems: ValidationError) -> Mapping | None:
    """The tree without the keys that no shape depends on and that are wrong; None where others
    are."""
    errors = problems.errors()
    for error in errors:
        if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
            tree = _respelled(tree, str(error["loc"][0]))
    for error in errors:
        key = str(error["loc"][0])
        if key not in tree.entries and key != "name":
            if key in ("input", "net"):
                return None
        elif key in _ASIDE:
            tree = _without(tree, key)
        elif error["type"] != "missing":
            return None
    if "name" not in tree.entries:
        title = Scalar("net", "net", tree.span, True)
        tree = Mapping(
            {**tree.entries, "name": Entry(title, title)}, tree.span, tree.flow
        )
    return tree


def _respelled(tree: Mapping, key: str) -> Mapping:
    """The tree with what stands under an unknown key under the one that was meant, or nowhere."""
    meant = key_meant(key, File.model_fields).write
    if not meant or meant in tree.entries:
        return _without(tree, key)
    entries = {
        meant if name == key else name: entry for name, entry in tree.entries.items()
    }
    return Mapping(entries, tree.span, tree.flow)


def _without(tree: Mapping, key: str) -> Mapping:
    return Mapping(
        {name: e for name, e in tree.entries.items() if name != key},
        tree.span,
        tree.flow,
    )


def _errors_of(model: Any, value: Any, tree: Tree) -> list[Diagnostic]:
    from pydantic import TypeAdapter

    try:
        TypeAdapter(model).validate_python(value)
    except ValidationError as problems:
        return diagnostics(problems, tree, Expect, "expect")
    return []
