"""What the keys of a spec and of a recipe hold: pydantic records, and the ways through them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict

from .diagnose.aliases import KEYS, OPTIONS

Location = tuple[str | int, ...]

TAGS: Mapping[str, str] = {
    "data": "set",
    "optimizer": "name",
    "others": "name",
    "schedule": "kind",
    "warmup": "kind",
    "crop": "kind",
    "target": "kind",
}
"""The key that says which of several records a mapping is; `schedule: cosine` is short for
`schedule: {kind: cosine}`."""


class Record(BaseModel):
    """A mapping of a spec: no unknown keys, no conversions."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        # pydantic would look at what is no field again for every class below
        for name in cls.__class_vars__ & cls.__annotations__.keys():
            del cls.__annotations__[name]

    @classmethod
    def home_of(cls, key: str) -> str:
        """Where to write a key that is none of the record's; "" where there is no such place."""
        if option := OPTIONS.get(key.lower().replace("-", "_")):
            return f"the command says it, not the spec: `resgraph build --{option} …`"
        return ""


def belongs(*path: str) -> str:
    """``it belongs to `expect`: `expect: {params: …}` ``"""
    inner = f"{': {'.join(path)}: …{'}' * (len(path) - 1)}"
    return f"it belongs to `{path[0]}`: `{inner}`"


def record_at(model: type[Record], loc: Location) -> type[Record]:
    """The record that a place leads to, in which the tag of a union stands behind its key."""
    members = [model]
    for part in loc:
        if part in model.model_fields:
            members = [
                *records(model.model_fields[str(part)].annotation)
            ] or members
            model = members[0]
        else:
            tagged = (m for m in members if part in _literals(m))
            model = next(tagged, model)
    return model


def path_of(key: str, model: type[Record]) -> tuple[str, ...]:
    """Where a key of `model`, or of a record in it, stands, the outermost first, also by what
    others call it."""
    plain = KEYS.get(key.lower(), key)
    level: list[tuple[tuple[str, ...], type[Record]]] = [((), model)]
    while level:
        for path, record in level:
            if plain in record.model_fields:
                return (*path, plain)
        level = [
            ((*path, name), inner)
            for path, record in level
            for name, field in record.model_fields.items()
            for inner in records(field.annotation)
        ]
    return ()


def records(annotation: Any) -> Iterator[type[Record]]:
    """The records in the type of a key."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from records(argument)


def _literals(record: type[Record]) -> Iterator[Any]:
    for field in record.model_fields.values():
        yield from get_args(field.annotation)


def described(record: type[BaseModel]) -> dict[str, str]:
    """What the source says below each key of a record; nothing where there is no source."""
    try:
        (tree,) = ast.parse(inspect.getsource(record)).body
    except OSError:
        return {}
    body = getattr(tree, "body", [])
    return {
        key.target.id: " ".join(ast.literal_eval(text.value).split())
        for key, text in pairwise(body)
        if isinstance(key, ast.AnnAssign)
        and isinstance(key.target, ast.Name)
        and isinstance(text, ast.Expr)
    }
