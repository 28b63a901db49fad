"""What the keys of a spec and of a recipe hold: records, and the ways through them.

Making a record checks it, by msgspec: pydantic's import would take two thirds of a check again."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from itertools import chain, pairwise
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

from msgspec import (
    NODEFAULT,
    StructMeta,
    ValidationError,
    convert,
    field,
)
from msgspec.structs import FieldInfo

from ..collecting import among, flatten, of_type
from ..structs import Frozen, fields
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


class WrongRecord(ValueError):
    """What cannot be read as a record, with each mistake as pydantic has it (its `errors()`)."""

    def __init__(self, said: str, mistakes: list[Any]) -> None:
        super().__init__(said)
        self.mistakes = mistakes


class Info(Frozen):
    """What a check may know beside the value: the key, the fields before it, and what the reader
    was told (pydantic's names)."""

    field_name: str
    data: Mapping[str, Any]
    context: Any


class Validator(Frozen):
    """A rule for the value of some keys: what it gives stands in its place, and a `ValueError` is a
    mistake of the user's. It stands in an annotation, or as a method below `validator`."""

    call: Callable[..., Any]
    keys: tuple[str, ...] = ()
    # whether it sees what was written, and not what the annotation makes of it
    before: bool = False


def validator(*keys: str) -> Callable[[Callable[..., Any]], Validator]:
    """Makes a function the check of these keys of the record that it stands in."""
    return partial(Validator, keys=keys)


class Forms(Frozen):
    """Which member of a union a value is, by what it is, so that one mistake is one error."""

    choose: Callable[[Any], int]


class _RecordMeta(StructMeta):
    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> Any:
        return super().__new__(cls, name, bases, namespace, kw_only=True)

    if not TYPE_CHECKING:  # which would take any argument for right

        def __call__(self, **given: Any) -> Any:
            return checked(self, given)


# else mypy takes a record for one whose fields are not named
@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(field,)
)
class Record(Frozen, metaclass=_RecordMeta):
    """A mapping of a file: no unknown keys, no conversions. Making one checks it."""

    COMMAND: ClassVar[str] = "build"
    """Which reads the file and says how it runs."""

    @classmethod
    def home_of(cls, key: str) -> str:
        """Where to write a key that is none of the record's; "" where there is no such place."""
        if option := OPTIONS.get(key.lower().replace("-", "_")):
            return f"the command says it, not the file: `resgraph {cls.COMMAND} --{option} …`"
        return ""


_Record = TypeVar("_Record", bound=Record)


@cache
def validators(record: type[Record], key: str) -> tuple[Validator, ...]:
    """The validators of a key, those in its annotation before those that are methods."""
    marks = getattr(fields(record)[key].type, "__metadata__", ())
    methods = (vars(base).values() for base in record.__mro__[::-1])
    return (
        *of_type(Validator, marks),
        *(
            rule
            for rule in of_type(Validator, chain(*methods))
            if key in rule.keys
        ),
    )


def made(record: type[_Record], values: Mapping[str, Any]) -> _Record:
    """A record of values that are right."""
    one: _Record = StructMeta.__call__(record, **values)
    return one


def checked(
    record: type[_Record], given: Mapping[str, Any], context: Any = None
) -> _Record:
    """The record that a mapping says, parts of which may be records. Raises `ValueError` or
    msgspec's `ValidationError` for whatever is not surely right."""
    known = fields(record)
    if not known.keys() >= given.keys():
        raise ValueError("a key is unknown")
    values: dict[str, Any] = {}
    for name, key in known.items():
        if name in given:
            info = Info(name, values, context)
            values[name] = _valued(record, given[name], info)
        elif key.required:
            raise ValueError("a key is missing")
        else:
            values[name] = default(key)
    return made(record, values)


def default(key: FieldInfo) -> Any:
    """What a key is where nobody says it; `...` where somebody must."""
    if key.default_factory is not NODEFAULT:
        return key.default_factory()
    return ... if key.required else key.default


def _valued(record: type[Record], value: Any, info: Info) -> Any:
    """A value of a key, as its annotation and its checks make it."""
    found = validators(record, info.field_name)
    for rule in found:
        if rule.before:
            value = rule.call(value, info)
    value = _value(fields(record)[info.field_name].type, value)
    for rule in found:
        if not rule.before:
            value = rule.call(value, info)
    return value


def _value(annotation: Any, value: Any) -> Any:
    """A value as an annotation takes it, of a union with records by the first member that does."""
    inner = [*records(annotation)]
    if not inner:
        return convert(value, annotation)
    if isinstance(value, Record):
        return value
    for member in _members(annotation):
        with suppress(ValueError, ValidationError):
            return _as_member(member, value, sole=len(inner) == 1)
    raise ValueError


def _as_member(member: Any, value: Any, *, sole: bool) -> Any:
    if not isinstance(value, dict) or not [*records(member)]:
        if isinstance(member, type) and issubclass(member, Record):
            raise ValueError("a record is a mapping")
        return convert(value, member)
    if get_origin(member) is dict:
        _, each = get_args(member)
        return {name: _value(each, inner) for name, inner in value.items()}
    # the tag says which of several it is, also where that has a default
    if not sole and not value.keys() >= tags(member):
        raise ValueError
    return checked(next(records(member)), value)


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, and of unions in it."""
    marked = get_origin(annotation) is Annotated
    inner = get_args(annotation)[0] if marked else annotation
    if get_origin(inner) in (Union, UnionType):
        yield from flatten(map(_members, get_args(inner)))
    else:
        yield annotation


def tags(record: type[Record]) -> set[str]:
    """The key that says which of several records it is, if any."""
    return set(TAGS.values()) & fields(record).keys()


def kinds(record: type[Record]) -> list[str]:
    """The values of that key."""
    return [
        *flatten(get_args(fields(record)[tag].type) for tag in tags(record))
    ]


def belongs(*path: str) -> str:
    """``it belongs to `expect`: `expect: {params: …}` ``"""
    inner = f"{': {'.join(path)}: …{'}' * (len(path) - 1)}"
    return f"it belongs to `{path[0]}`: `{inner}`"


def record_at(model: type[Record], loc: Location) -> type[Record]:
    """The record that a place leads to, in which the tag of a union stands behind its key."""
    members = [model]
    for part in loc:
        if part in fields(model):
            members = [*records(fields(model)[str(part)].type)] or members
            model = members[0]
        else:
            tagged = (m for m in members if part in kinds(m))
            model = next(tagged, model)
    return model


def path_of(key: str, model: type[Record]) -> tuple[str, ...]:
    """Where a key of `model`, or of a record in it, stands, the outermost first, also by what
    others call it."""
    names = (key, *KEYS.get(key.lower(), "").split())
    level: list[tuple[tuple[str, ...], type[Record]]] = [((), model)]
    while level:
        for path, record in level:
            for name in among(names, fields(record)):
                return (*path, name)
        level = [
            ((*path, name), inner)
            for path, record in level
            for name, field in fields(record).items()
            for inner in records(field.type)
        ]
    return ()


def records(annotation: Any) -> Iterator[type[Record]]:
    """The records in the type of a key."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from records(argument)


def described(record: type[Record]) -> dict[str, str]:
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
