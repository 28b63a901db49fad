"""An op or a block → what a label can say of it: its options, their words, and its modes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin

from ...collecting import flatten, of_type
from ...ops import ACTIVATIONS, VOCABULARY, Op
from ...ops.base import number_text
from .records import BlockDef
from .words import MODES

Target = type[Op] | BlockDef

SHAPING = frozenset(
    ["stride", "kernel", "pad", "dilation", "ceil", "to", "of", "factor"]
)
"""Options of ops on which the shape depends that comes out."""


def fields_of(target: Target) -> frozenset[str]:
    """The option names that a target has, its number apart."""
    if isinstance(target, BlockDef):
        return frozenset(target.lets) | {"shortcut", "stride"}
    return _fields_of_op(target)


@cache
def _fields_of_op(op: type[Op]) -> frozenset[str]:
    return frozenset(op.fields()) - {"op", op.number}


def is_flag(target: Target, key: str) -> bool:
    """Whether an option is true or false, and says so by its name alone."""
    fields = target.fields()
    return key in fields and fields[key].type is bool


def takes_mode(target: Target, word: str) -> bool:
    """Whether `word` is a mode of the target: `linear`, `bare` and activations for convs,
    activations for fc."""
    if target.word == "conv":
        return word in MODES or word in ACTIVATIONS
    return target is VOCABULARY["fc"] and word in ACTIVATIONS


def mode_hint(target: Target, mode: str) -> str:
    """What to do about a mode that the target does not take."""
    if target is VOCABULARY["fc"]:
        return "`fc` is linear by itself; an activation may follow: `fc 64 relu`"
    if takes_mode(target, "linear"):
        return "it takes `linear`, `bare` or an activation"
    if mode in ACTIVATIONS:
        return f"give it a place of its own: `[…, {mode}]`"
    return "`linear` and `bare` are for convolutions"


def literal_words(target: Target, key: str) -> frozenset[str]:
    """The words that are values of an op's option: those of its Literal type."""
    return (
        frozenset()
        if isinstance(target, BlockDef)
        else _words_of_field(target, key)
    )


def example_number(target: Target, key: str) -> list[str]:
    """A number that an option may be, its default where that is one; none where it is no number."""
    if isinstance(target, BlockDef):
        return ["2"]
    field = target.fields()[key]
    if type(field.default) in (int, float):
        return [number_text(field.default)] if field.default else ["2"]
    return ["2"] if _has_number(field.type) else []


def _has_number(annotation: Any) -> bool:
    return annotation in (int, float) or any(
        map(_has_number, get_args(annotation))
    )


@cache
def _words_of_field(op: type[Op], key: str) -> frozenset[str]:
    return frozenset(literals(op.fields()[key].type))


def literals(annotation: Any) -> Iterator[str]:
    """The words of the Literal types in an annotation."""
    if get_origin(annotation) is Literal:
        yield from of_type(str, get_args(annotation))
    else:
        yield from flatten(map(literals, get_args(annotation)))
