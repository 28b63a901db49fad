"""A bound label and an environment → the op with its options worked out and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from functools import cache, partial
from typing import Any, Literal

from ...collecting import among
from ...errors import Fault, Span, fault, write
from ...language.diagnose.nearest import did_you_mean
from ...language.environment import Environment
from ...language.grammar.arithmetic import NameValue, spec_text
from ...language.grammar.expression import (
    BinaryOp,
    Expression,
    Name,
    NumberLiteral,
)
from ...language.grammar.records import (
    Bound,
    Expr,
    MapName,
    Option,
    PathDef,
    Sizes,
    Value,
    Word,
)
from ...language.grammar.targets import literal_words
from ...language.grammar.words import CONSTANTS
from ...ops import Op
from ...ops.base import Edge, sized_fields, sizes_text, spread, types_in
from ...ops.record import FieldError
from ...structs import Frozen

OptionKind = Literal["sizes", "float", "int", "flag", "word"]
_KINDS: dict[type, OptionKind] = {
    tuple: "sizes", bool: "flag", float: "float", int: "int"
}  # fmt: skip
"""What a value is by the types that it may have, the first of these."""


@cache
def field_kind(op: type[Op], key: str) -> OptionKind:
    """What the value of a field is, from its annotation."""
    types = types_in(op, key)
    return next(
        (kind for type_, kind in _KINDS.items() if type_ in types), "word"
    )


class Unsaid(Frozen):
    """What an op has that its label does not say: the default options of the file, the fields that
    follow from the unit, and the axes of the map that comes in (0 where that is none or not
    known)."""

    defaults: Mapping[str, Option] = {}
    fields: Mapping[str, Any] = {}
    axes: int = 0


_EDGES = ("pad", "cells")
"""The sizes that can differ before and after a map."""

_made: dict[Any, Op] = {}


def make_op(
    cls: type[Op], bound: Bound, env: Environment, unsaid: Unsaid = Unsaid()
) -> Op:
    """The op of a label: the label's own options over those that it does not say."""
    options = [*unsaid.defaults.values(), *bound.options.values()]
    if bound.number is not None and cls.number:
        options.append(Option(cls.number, bound.number.span, bound.number))
    fields = dict(unsaid.fields)
    for option in options:
        value = option.value
        fields[option.key] = (
            value.text
            if isinstance(value, MapName)
            else field_value(cls, option.key, value, env)
        )
    _spread(cls, fields, options, unsaid.axes, bound)
    made = (cls, bound.label.word, tuple(fields.items()))
    if made not in _made:
        if len(_made) > 20_000:
            _made.clear()
        fields = {"op": bound.label.word, **fields}
        _made[made] = _validated(cls, fields, options, bound.label.span)
    return _made[made]


def _places(options: Iterable[Option]) -> dict[str, Span]:
    return {option.key: option.value.span for option in options}


_BOUNDS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}
"""What an op says of a bound, and shorter."""


def _validated(
    cls: type[Op],
    fields: dict[str, Any],
    options: Iterable[Option],
    span: Span,
) -> Op:
    try:
        return cls(**fields)
    except FieldError as problem:
        key = problem.key
        if problem.missing:
            missing = key or cls.number or ""
            said = _missing(cls, str(fields["op"]), missing)
            raise fault("E021", said, span) from None
        must = str(problem).removeprefix("Input should be ")
        must = must.removeprefix("a valid ")
        for said, plain in _BOUNDS.items():
            must = must.replace(said, plain)
        must = re.sub(r"\d{4,}", lambda digits: f"{int(digits[0]):,}", must)
        given = (
            f", and this is {_shown(problem.value)}"
            if key in fields
            else ""
        )
        place = _places(options).get(key, span)
        raise fault(
            "E035", f"`{key}` must be {must}{given}", place
        ) from None
    except ValueError as problem:  # its own words
        raise fault("E035", str(problem), span) from None


_EXAMPLES = {"width": "64", "rate": "0.1", "heads": "4"}
"""A likely value of what an op's number is, where it is not 2."""


def _missing(cls: type[Op], word: str, key: str) -> str:
    if key == "kernel":
        return f"`{word}` needs a kernel: `3x3 {word}`"
    if key == cls.number:
        return f"`{word}` needs a number, its {key}: `{word} {_EXAMPLES.get(key, '2')}`"
    example = (
        f": `{word} {key} {_EXAMPLES[key]}`" if key in _EXAMPLES else ""
    )
    return f"`{word}` needs `{key}`{example}"


_SHOWN: dict[type, Callable[[Any], str]] = {
    tuple: partial(sizes_text, full=True), int: "{:,}".format, float: "{:g}".format
}  # fmt: skip


def _shown(value: Any) -> str:
    return _SHOWN.get(type(value), "`{}`".format)(value)


def field_value(
    cls: type[Op], key: str, written: Value | PathDef, env: Environment
) -> Any:
    """The Python value of one option, of the type that its field has."""
    if isinstance(written, PathDef):
        raise fault("E022", f"`{key}` is not a path", written.span)
    kind = field_kind(cls, key)
    if kind == "flag":
        return _flag(key, written)
    words = literal_words(cls, key)
    word = _bare_word(written, words, env)
    value = env.value(written) if word is None else word
    if isinstance(value, str) or kind == "word":
        if value in words:
            return value
        numbers = kind != "word"
        raise _no_such_word(
            key, spec_text(value), words, written.span, numbers
        )
    if kind == "sizes":
        return _sizes(value, written, key, env)
    if isinstance(value, tuple):
        said = f"`{key}` is one number, not {spec_text(value)}"
        hint = (
            f"one of them is meant: `{written.text}.0`"
            if isinstance(written, Expr)
            else ""
        )
        raise fault("E031", said, written.span, hint)
    return (
        float(value) if kind == "float" else whole(value, key, written, env)
    )


def _bare_word(
    written: Value, words: Collection[str], env: Environment
) -> str | None:
    """A name that stands for itself, where an option has words: nothing else has it."""
    if (
        not (words and isinstance(written, Expr))
        or env.find(written.text) is not None
    ):
        return None
    name = isinstance(written.tree, Name) and written.text not in CONSTANTS
    return written.text if name or written.text in words else None


def _flag(key: str, written: Value) -> bool:
    if isinstance(written, Word) and written.text in ("true", "false"):
        return written.text == "true"
    raise fault("E022", f"`{key}` is true or false", written.span)


def _sizes(
    value: NameValue, written: Value, key: str, env: Environment
) -> int | tuple[Edge, ...]:
    """One number for every axis, or one for each; around a map, also two for an axis."""
    one = isinstance(written, Sizes) and len(written.axes) == 1
    if one and key == "kernel":  # before an op, where it is along one axis
        value = (value,)
    if isinstance(value, tuple):
        return tuple(_edge(part, key, written, env) for part in value)
    return whole(value, key, written, env)


def _edge(
    value: NameValue, key: str, written: Value, env: Environment
) -> Edge:
    if key not in _EDGES or not isinstance(value, tuple):
        return whole(value, key, written, env)
    if len(value) != 2:
        said = (
            f"`{spec_text(value)}` is not the cells before and after a map"
        )
        raise fault("E031", said, written.span, "two numbers, as in `0:1`")
    before, after = (whole(side, key, written, env) for side in value)
    return before, after


def _spread(
    cls: type[Op],
    fields: dict[str, Any],
    options: Iterable[Option],
    axes: int,
    bound: Bound,
) -> None:
    """Give the options of one number as many as the map has axes. Raises `Fault` (E046) for one
    that has another number of them."""
    sized = among(fields, sized_fields(cls))
    said = [key for key in sized if _each_axis(fields[key])]
    known = (0 if cls.resizes else axes) or next(
        (len(fields[key]) for key in said), 1 if cls.resizes else 2
    )
    for key in said:
        if len(fields[key]) != known:
            place = _places(options)[key]
            raise _misfit(key, fields[key], known, place, bound)
    for key in sized:
        fields[key] = _over(fields[key], known)


def _misfit(
    key: str, sizes: tuple[Any, ...], axes: int, place: Span, bound: Bound
) -> Fault:
    """The error for a size of another number of axes, which may be a kernel in three words."""
    words = (key, len(sizes), axes) == ("kernel", 1, 2) and _three_words(
        bound
    )
    return words or other_axes(key, sizes, axes, place, bound.label.word)


def _one_edge(value: Any) -> bool:
    """Whether it is the cells before and after every axis."""
    return (
        isinstance(value, tuple)
        and len(value) == 1
        and isinstance(value[0], tuple)
    )


def _each_axis(value: Any) -> bool:
    """Whether it is something for each axis."""
    return isinstance(value, tuple) and not _one_edge(value)


def _over(value: Any, axes: int) -> Any:
    """What is said once, for each axis."""
    return value * axes if _one_edge(value) else spread(value, axes)


def per_axis(
    value: NameValue, key: str, place: Span, axes: int
) -> tuple[NameValue, ...]:
    """A value for each axis of a map, `axes` 0 where that is not known. Raises `Fault` (E046)."""
    if not isinstance(value, tuple):
        return (value,) * (axes or 2)
    if axes and len(value) != axes:
        raise other_axes(key, value, axes, place, "")
    return value


_MAPS = (
    "",
    "a sequence, of one axis",
    "an image, of two axes",
    "a volume, of three axes",
)


def _three_words(bound: Bound) -> Fault | None:
    """E014 for `3 x 3 conv`, a kernel in three words, where an image comes in."""
    repeat, sizes = bound.label.repeat, bound.label.kernel
    if repeat is None or sizes is None or not repeat.text.isdecimal():
        return None
    text, kernel = repeat.text, sizes.axes[0].text
    place = repeat.span.to(sizes.span)
    hint = write(f"{text}x{kernel}", ", in one word")
    return fault(
        "E014", f"`{text} x {kernel}` is not a kernel size", place, hint
    )


def other_axes(
    key: str, sizes: tuple[Any, ...], axes: int, place: Span, word: str
) -> Fault:
    """E046: a size that has not one number for each axis of the map."""
    if not sizes:
        hint = "write a number, or one for each axis"
        return fault("E046", f"an empty list is no {key}", place, hint)
    text = sizes_text(sizes, full=True)
    said = f"`{text}` is a {key} along {_count(len(sizes))}, and what comes in is {_MAPS[axes]}"
    return fault(
        "E046", said, place, _of_so_many_axes(key, sizes, axes, word)
    )


def _count(axes: int) -> str:
    return {1: "one axis", 2: "two axes", 3: "three axes"}.get(
        axes, f"{axes} axes"
    )


def _of_so_many_axes(
    key: str, sizes: tuple[Any, ...], axes: int, word: str
) -> str:
    """How a size is written that fits; a number before an op may be a repeat."""
    first, same = sizes[0], len(set(sizes)) == 1
    full = sizes_text((first if same else 3,) * axes, full=True)
    if key != "kernel":
        fitting = f"`{sizes_text((first,))}`" if same else f"as in `{full}`"
        return f"one number is for every axis, or there is one for each: {fitting}"
    if len(sizes) == 1:
        return f"a repeat is `{first} x {word}`, a kernel of this map `{full} {word}`"
    if axes == 3:
        flat = "x".join(map(str, (1, *sizes)))
        ways = dict.fromkeys(
            f"`{kernel} {word}`" for kernel in (full, flat)
        )
        return (
            f"a kernel has a number for each axis, as in {' or '.join(ways)}; the input of an image"
            " is `3x224x224`, without its batch axis"
        )
    return f"a kernel has a number for each axis: `{full} {word}`"


def _no_such_word(
    key: str, word: str, words: Collection[str], span: Span, numbers: bool
) -> Fault:
    known = sorted(set(words) - {"default"})
    listed = " or ".join(
        ["a number"] * numbers + [f"`{each}`" for each in known]
    )
    hint = did_you_mean(word, known) or f"it is {listed}"
    if numbers and not known:
        hint = "a number is needed here"
    return fault("E022", f"`{key}` cannot be `{word}`", span, hint)


def whole(
    value: NameValue, key: str, written: Value, env: Environment
) -> int:
    """A number that must be whole. The error is where the number is worked out, and names the
    nearest that would be."""
    if not isinstance(value, Fraction):
        said = f"a number is needed here, and this is {spec_text(value)}"
        raise fault("E031", said, written.span)
    if value.denominator == 1:
        return int(value)
    raise _not_whole(value, key, written, env)


def _not_whole(
    value: Fraction, key: str, written: Value, env: Environment
) -> Fault:
    written = _arithmetic(written, env)
    tree = tree_of(written)
    text = getattr(written, "text", key)
    said = f"`{text}` is {float(value):g}, and `{key}` must be whole"
    if isinstance(tree, NumberLiteral):
        said = f"`{key}` must be whole, and this is {float(value):g}"
    hint = (
        "`floor`, `ceil`, `round` and `make_divisible` make a number whole"
    )
    if isinstance(tree, BinaryOp) and tree.symbol == "/":
        hint = _nearest_whole(value, tree, written.span, env) or hint
    return fault("E032", said, written.span, hint)


def tree_of(written: object) -> Expression | None:
    """The expression that a value is written as."""
    return written.tree if isinstance(written, Expr) else None


def _arithmetic(written: Value, env: Environment) -> Value:
    """Where a number is worked out: behind a name that stands for a `let`, which may be another."""
    for _ in range(8):
        tree = tree_of(written)
        if not isinstance(tree, Name) or tree.index:
            break
        below = env.definition(tree.name)
        if below is None:
            break
        written = below
    return written


def _nearest_whole(
    value: Fraction, tree: BinaryOp, span: Span, env: Environment
) -> str:
    """What would divide, of a quotient that does not; "" where its terms are no such numbers."""
    try:
        top, bottom = (
            env.value_of(side, span) for side in (tree.left, tree.right)
        )
    except Fault:
        return ""
    if not (isinstance(top, Fraction) and isinstance(bottom, Fraction)):
        return ""
    if bottom.denominator != 1:
        return ""
    near = f"{math.floor(value) * bottom} and {math.ceil(value) * bottom}"
    return f"{spec_text(top)} does not divide by {bottom}; the nearest that do are {near}"
