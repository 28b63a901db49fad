"""The class of an op as its author writes it → a struct whose fields are checked when it is made;
and of fields that cannot be, which and why."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from math import isfinite
from sys import float_info
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Union,
    get_args,
    get_origin,
)

from msgspec import (
    NODEFAULT,
    Meta,
    StructMeta,
    ValidationError,
    convert,
)
from msgspec.structs import fields as fields_of_struct


class FieldError(ValueError):
    """A field of an op that is missing or cannot be as it is, with its value.

    A field without a name is the number of a label."""

    def __init__(
        self, said: str, key: str = "", value: Any = NODEFAULT
    ) -> None:
        super().__init__(said)
        self.key, self.value = key, value

    @property
    def missing(self) -> bool:
        """Whether there is no value."""
        return self.value is NODEFAULT


class OpClass(StructMeta):
    """The class of an op, which checks what it is called with.

    A class without an `op` of its own is what some ops have in common. Its fields are made in
    those: two structs with fields can have no subclass together, and an op may have two such
    bases."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        space: dict[str, Any],
        **options: Any,
    ) -> OpClass:
        own = _annotations(space)
        common: dict[str, Any] = {}
        for base in reversed(bases):
            common |= getattr(base, "_common", {})
        is_op = "op" in own
        fields = {k: v for k, v in own.items() if not _is_of_class(v)}
        defaults = {
            key: getattr(base, key)
            for base in reversed(bases)
            for key in common
            if is_op and hasattr(base, key)
        }
        made = {
            **defaults,
            **space,
            "__annotations__": common | own if is_op else {},
            "_common": {} if is_op else common | fields,
        }
        new = super().__new__(
            cls, name, bases, made, kw_only=True, **options
        )
        # where each is from is where the text of its type is evaluated
        new.__annotations__ = own
        return new

    def __call__(self, **given: Any) -> Any:
        fields = self.prepare(given)  # type: ignore[attr-defined]
        try:
            return convert(fields, self)
        except ValidationError as problem:
            raise (
                problem.__cause__ or _first(self, fields) or problem
            ) from None


def _annotations(space: dict[str, Any]) -> dict[str, Any]:
    """Those in the text of a class; Python 3.14 has a function for them."""
    make = space.get("__annotate_func__")
    return space.get("__annotations__") or (make(1) if make else {})


def _is_of_class(said: Any) -> bool:
    """Whether an annotation is of a class variable."""
    if isinstance(said, str):
        return "ClassVar" in said
    return get_origin(said) is ClassVar


def _first(op: Any, given: Mapping[str, Any]) -> FieldError | None:
    """The first field that cannot be as it is given."""
    known = fields_of_struct(op)
    for each in known:
        if each.name in given:
            for said, value in _flaws(each.type, given[each.name]):
                return FieldError(said, each.name, value)
        elif each.required:
            return FieldError("Field required", each.name)
    extra = [*given.keys() - {each.name for each in known}]
    said = "Extra inputs are not permitted"
    return FieldError(said, extra[0], given[extra[0]]) if extra else None


_Flaws = Iterator[tuple[str, Any]]
"""Why a value cannot be, and what of it."""

_NAMES = {
    int: "integer",
    float: "number",
    bool: "boolean",
    str: "string",
    tuple: "tuple",
}


def _flaws(type_: Any, value: Any) -> _Flaws:
    """What is wrong with a value of a field; of a choice of types, with the first."""
    kind, args = get_origin(type_) or type_, get_args(type_)
    if kind is Annotated:
        flaws = [*_flaws(args[0], value)]
        yield from flaws or _beyond(args[1], value)
    elif kind is Literal:
        if not any(
            value == one and type(value) is type(one) for one in args
        ):
            yield f"Input should be {_either(args)}", value
    elif kind in (Union, UnionType):
        each = [[*_flaws(one, value)] for one in args]
        yield from each[0] if all(each) else ()
    elif not _is(kind, value):
        yield f"Input should be a valid {_NAMES.get(kind)}", value
    elif kind is tuple:
        types = args[:1] * len(value) if args[-1] is ... else args
        for one, part in zip(types, value, strict=False):
            yield from _flaws(one, part)


def _is(kind: type, value: Any) -> bool:
    """Whether a value is of a type, where true and false are no numbers."""
    kinds = (int, float) if kind is float else kind
    return isinstance(value, kinds) and (type(value) is bool) <= (
        kind is bool
    )


def _either(words: tuple[Any, ...]) -> str:
    *first, last = map(repr, words)
    return f"{', '.join(first)} or {last}" if first else last


_BOUNDS = {
    "le": ("less than or equal to", operator.le),
    "lt": ("less than", operator.lt),
    "ge": ("greater than or equal to", operator.ge),
    "gt": ("greater than", operator.gt),
}
_COUNTS = {
    "max_length": ("most", operator.le),
    "min_length": ("least", operator.ge),
}


def _beyond(meta: Meta, value: Any) -> _Flaws:
    """The bounds that a value is not within."""
    if meta.le == float_info.max and not isfinite(value):
        yield "Input should be a finite number", value
    for key, (said, holds) in _BOUNDS.items():
        bound = getattr(meta, key)
        if bound is not None and not holds(value, bound):
            yield f"Input should be {said} {bound}", value
    for key, (said, holds) in _COUNTS.items():
        bound = getattr(meta, key)
        if bound is not None and not holds(len(value), bound):
            items = "item" if bound == 1 else "items"
            yield (
                (
                    f"Tuple should have at {said} {bound} {items} after validation, not"
                    f" {len(value)}"
                ),
                value,
            )
