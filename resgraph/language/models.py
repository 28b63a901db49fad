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
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from msgspec import to_builtins
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

from ..collecting import attributes, of_type, without
from ..flaws import for_pydantic
from ..structs import fields
from .record import (
    Forms,
    Record,
    Validator,
    WrongRecord,
    default,
    made,
    records,
    tags,
    validators,
)

_Record = TypeVar("_Record", bound=Record)


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
        said = attributes(model, model.model_fields_set)
        return made(record, said)

    whole: dict[str, Any] = {
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
        __validators__=whole,
        **keys,
    )


def _of_key(record: type[Record], key: str) -> Any:
    found = for_pydantic(fields(record)[key].type, _modelled)
    methods = [rule for rule in validators(record, key) if rule.keys]
    return Annotated[(found, *map(_checked, methods))] if methods else found


def _modelled(annotation: Any) -> Any:
    """A model for a record, and what our marks mean to pydantic; None for all else."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return model_of(annotation)
    if isinstance(annotation, Validator):
        return _checked(annotation)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        forms = next(of_type(Forms, parts), None)
        return _by_form(parts[0], forms) if forms else None
    return _tagged(parts) if origin in (Union, UnionType) else None


def _tagged(parts: Iterable[Any]) -> Any:
    """A union of which a tag says which of several records is meant; None for another union."""
    several = [part for part in parts if part in records(part)]
    if len(several) < 2:
        return None
    (tag,) = tags(several[0])
    union = reduce(or_, map(model_of, several))
    others = without(parts, several)
    return reduce(or_, others, Annotated[union, Field(discriminator=tag)])


def _by_form(union: Any, forms: Forms) -> Any:
    """A union, of whose members the value's form says which is meant."""
    members = [
        Annotated[for_pydantic(member, _modelled), Tag(str(number))]
        for number, member in enumerate(get_args(union))
    ]
    chosen = Discriminator(lambda value: str(int(forms.choose(value))))
    return Annotated[reduce(or_, members), chosen]


def _checked(rule: Validator) -> Any:
    kind = BeforeValidator if rule.before else AfterValidator
    return kind(rule.call)
