"""An item with a mistake → the item as it was meant, as far as that decides the shape that comes
out.

What a mistake offers to write is taken as written; an option that shapes nothing is left out. Where
neither is so there is no telling, and nothing that follows is checked."""

from __future__ import annotations

import re
from contextlib import suppress

from msgspec.structs import replace

from ...collecting import each_text, only_keys
from ...dotted import first_word
from ...errors import Diagnostic, Fault, Hint, fault
from ...language.diagnose.option import in_number
from ...language.environment import Environment
from ...language.grammar.label import parse_size
from ...language.grammar.records import (
    BlockDef,
    Chunk,
    ItemDef,
    Label,
    Option,
)
from ...language.grammar.targets import (
    SHAPING,
    Target,
    fields_of,
    takes_mode,
)
from ...ops import ACTIVATIONS, Op, Shape, ShapeError
from .unit import LabelContext

_TOUCHING = re.compile(r"([A-Za-z_]\w*(?:\.[0-9]+)*)(/[0-9]{1,2})")
"""A name and a stride without a space between them."""
_KEEPING = frozenset(["norm", "activation", "regularize"])
"""Families whose ops hand on the shape that they are given."""


def meant(
    item: ItemDef, target: Target, problem: Diagnostic
) -> ItemDef | None:
    """The item without its mistake, or None where that could be any."""
    if not isinstance(item, Label):
        return None
    if item.options:
        return _long_form(item, target, problem)
    if item.kernel is not None and problem.span == item.kernel.span:
        return replace(item, kernel=None)
    for place, chunk in enumerate(item.rest):
        if chunk.span.covers(problem.span):
            return _mended(item, place, target, problem)
    return item if not item.span.covers(problem.span) else None


def apart(
    item: ItemDef, target: Target | None, problem: Fault
) -> Fault | None:
    """The error for `first/2`, an option and a stride that touch, where this was taken for an
    unknown width."""
    told = problem.diagnostic
    if target is None or told.code != "E030" or not isinstance(item, Label):
        return None
    covering = (
        p
        for p, chunk in enumerate(item.rest)
        if chunk.span.covers(told.span)
    )
    return next(
        (in_number(item, target, place) for place in covering), None
    )


def width_and_stride(
    item: ItemDef, target: Target, env: Environment
) -> Fault | None:
    """The error for `first/2` in a row: half of a width, or a stride that lost its space. In a
    block it is a part."""
    if not item.rest:
        return None
    chunk, *behind = item.rest
    found = _TOUCHING.fullmatch(chunk.text)
    if not found or "stride" not in fields_of(target):
        return None
    strided = any(other.text.startswith("/") for other in behind)
    if strided or first_word(found[1]) not in env.names():
        return None
    text, stride = chunk.text, f"{found[1]} {found[2]}"
    way = f"a stride stands apart, `{stride}`; a part of a width has brackets, `({text})`"
    said = f"`{text}` is a part of a width, or a width and a stride"
    return fault("E015", said, chunk.span, Hint(way, stride))


def keeps_shape(target: Target) -> bool:
    """Whether what goes in comes out in its shape, whatever the options."""
    return target.family in _KEEPING


def shaping(setting: LabelContext) -> LabelContext:
    """The setting without what shapes nothing: norms and activations of the unit, default options
    of no account."""
    conv = tuple(
        label for label in setting.unit.labels if label.word == "conv"
    )
    unit = replace(setting.unit, labels=conv) if conv else setting.unit
    defaults = {
        op: only_keys(options, SHAPING)
        for op, options in setting.defaults.items()
    }
    return LabelContext(unit, defaults, setting.words)


def likely_shape(op: Op, *inputs: Shape) -> Shape | None:
    """What an op would hand on if it could take its inputs; None where that depends on what is
    wrong."""
    if op.family in _KEEPING or op.op == "shuffle":
        return inputs[0]
    if op.op == "fc":
        return (int(op.width),)  # type: ignore[attr-defined]
    if getattr(op, "groups", 1) != 1:
        whole = replace(op, groups=1)
        with suppress(ShapeError):
            return whole.fitted(*inputs).infer(*inputs)
    return None


def _mended(
    label: Label, place: int, target: Target, problem: Diagnostic
) -> Label | None:
    """The label with the chunk at a place put right, or left out with what belongs to it."""
    chunk = label.rest[place]
    if problem.code == "E014" and label.kernel is None:
        kernel = parse_size(chunk.text, chunk.span)
        return _with(replace(label, kernel=kernel), place, place + 1)
    if (likely := problem.likely) and likely.span == chunk.span:
        words = [Chunk(word, chunk.span) for word in likely.text.split()]
        return _with(label, place, place + 1, words)
    if problem.code == "E036" and chunk.text != "shortcut":
        return _with(label, place, place + 1)
    return _without(label, place, target)


def _without(label: Label, place: int, target: Target) -> Label | None:
    """The label without the option, the mode or the word of a chunk; None where the shape may
    depend on it."""
    chunk, texts = label.rest[place], each_text(label.rest)
    fields = fields_of(target)
    valued = place - 1 if place and texts[place - 1] in fields else place
    if texts[valued] in fields:
        neutral = _neutral(texts[valued], target)
        return _with(label, valued, valued + 2) if neutral else None
    two = " ".join(texts[place : place + 2])
    if (
        chunk.text in ACTIVATIONS
        or two in ACTIVATIONS
        or takes_mode(target, chunk.text)
    ):
        return _with(label, place, place + (2 if two in ACTIVATIONS else 1))
    return _unknown_word(label, place, target, texts)


def _unknown_word(
    label: Label, place: int, target: Target, texts: list[str]
) -> Label | None:
    """A word that nothing is near to: alone it can shape nothing, and with a value it may."""
    if not re.fullmatch(r"[A-Za-z_][\w-]*", texts[place]):
        return None
    valued = place + 1 < len(texts) and re.match(
        r"[0-9.]", texts[place + 1]
    )
    if valued:
        return _with(label, place, place + 2) if _residual(target) else None
    return _with(label, place, place + 1)


def _with(
    label: Label, start: int, end: int, chunks: list[Chunk] | None = None
) -> Label:
    """The label with other chunks from `start` to `end` of its rest."""
    rest = (*label.rest[:start], *(chunks or ()), *label.rest[end:])
    return replace(label, rest=rest)


def _neutral(key: str, target: Target) -> bool:
    """Whether an option leaves the shape as it is. A block's may do anything, but not to what a
    shortcut joins."""
    return key not in SHAPING and (
        not isinstance(target, BlockDef)
        or key == "shortcut"
        or _residual(target)
    )


def _residual(target: Target) -> bool:
    return isinstance(target, BlockDef) and "shortcut" in target.reads


def _long_form(
    label: Label, target: Target, problem: Diagnostic
) -> Label | None:
    options: dict[str, Option] = {}
    likely = problem.likely if problem.code == "E012" else None
    for key, option in label.options.items():
        wrong = (option.span, option.value.span)
        if not any(span.covers(problem.span) for span in wrong):
            options[key] = option
        elif likely and likely.span == option.span:
            options[likely.text] = replace(option, key=likely.text)
        elif not (_neutral(key, target) and key in fields_of(target)):
            return None
    return (
        replace(label, options=options)
        if options.keys() != label.options.keys()
        else None
    )
