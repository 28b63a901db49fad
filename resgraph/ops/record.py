"""The class of an op as its author writes it → a struct whose fields are checked when it is made;
and of fields that cannot be, which and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, get_origin

from msgspec import NODEFAULT, StructMeta, ValidationError, convert

from ..structs import fields as fields_of_struct


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
    from ..flaws import flaw  # which loads pydantic

    known = fields_of_struct(op)
    for name, each in known.items():
        if name not in given and each.required:
            return FieldError("Field required", name)
        if name in given and (found := flaw(each.type, given[name])):
            return FieldError(found.said, name, found.value)
    extra = [*given.keys() - known]
    said = "Extra inputs are not permitted"
    return FieldError(said, extra[0], given[extra[0]]) if extra else None
