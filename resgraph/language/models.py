"""A record as a pydantic model: what is wrong with one that cannot be read, and its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from msgspec import Meta, to_builtins
from msgspec.structs import asdict
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)

from ..collecting import of_type
from .record import (
    Forms,
    Record,
    Validator,
    WrongRecord,
    default,
    fields,
    made,
    records,
    tags,
    validators,
)  # fmt: skip

_Record = TypeVar("_Record", bound=Record)
_BOUNDS = (
    "gt",
    "ge",
    "lt",
    "le",
    "min_length",
    "max_length",
    "description",
)


def read_by_pydantic(
    record: type[_Record], given: Mapping[str, Any], context: Any
) -> _Record:
    """As `read`. By JSON, in which a list may be a tuple."""
    text = json.dumps(given, default=asdict)
    try:
        found: Any = model_of(record).model_validate_json(
            text, context=context
        )
    except ValidationError as error:
        raise WrongRecord(str(error), list(error.errors())) from None
    return found  # type: ignore[no-any-return]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False
    )


@cache
def model_of(record: type[Record]) -> type[BaseModel]:
    """The model of a record, which reads to the record itself."""

    def record_of(model: BaseModel) -> Any:
        said = {key: getattr(model, key) for key in model.model_fields_set}
        return made(record, said)

    validators: dict[str, Any] = {
        "record_of": model_validator(mode="after")(record_of)
    }
    keys: dict[str, Any] = {
        name: (
            _of_key(record, name),
            ... if key.required else to_builtins(default(key)),
        )
        for name, key in fields(record).items()
    }
    return create_model(
        record.__name__,
        __base__=_Model,
        __doc__=record.__doc__,
        __validators__=validators,
        **keys,
    )


def _of_key(record: type[Record], key: str) -> Any:
    found = _modelled(fields(record)[key].type)
    methods = [rule for rule in validators(record, key) if rule.keys]
    return Annotated[(found, *map(_mark, methods))] if methods else found


def _modelled(annotation: Any) -> Any:
    """An annotation with models for records, and pydantic's marks for ours."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return model_of(annotation)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner, *marks = parts
        forms = next(of_type(Forms, marks), None)
        found = _by_form(inner, forms) if forms else _modelled(inner)
        return Annotated[(found, *map(_mark, marks))]
    if origin in (Union, UnionType):
        return _union(parts)
    if origin is Literal and 1 in parts:
        return Annotated[annotation, BeforeValidator(_whole)]
    if origin in (None, Literal):
        return annotation
    return origin[tuple(map(_modelled, parts))]


def _whole(value: Any) -> Any:
    """What equals a whole number and is none (`true`, `1.0`) as text, which equals none."""
    return str(value) if isinstance(value, bool | float) else value


def _union(parts: Iterable[Any]) -> Any:
    """A union, of whose records a tag says which is meant."""
    several = [part for part in parts if part in records(part)]
    if len(several) < 2:
        return reduce(or_, map(_modelled, parts))
    (tag,) = tags(several[0])
    tagged = reduce(or_, map(_modelled, several))
    others = [part for part in parts if part not in several]
    return reduce(or_, others, Annotated[tagged, Field(discriminator=tag)])


def _by_form(union: Any, forms: Forms) -> Any:
    """A union, of whose members the value's form says which is meant."""
    members = [
        Annotated[_modelled(member), Tag(str(number))]
        for number, member in enumerate(get_args(union))
    ]
    chosen = Discriminator(lambda value: str(int(forms.choose(value))))
    return Annotated[reduce(or_, members), chosen]


def _mark(mark: Any) -> Any:
    if isinstance(mark, Validator):
        kind = BeforeValidator if mark.before else AfterValidator
        return kind(mark.call)
    if isinstance(mark, Meta):
        said = {bound: getattr(mark, bound) for bound in _BOUNDS}
        return Field(
            **{
                bound: value
                for bound, value in said.items()
                if value is not None
            }
        )
    return mark
