"""A unit with a word that is no op → the error, with the unit that was meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msgspec.structs import replace

from ...errors import Fault, Hint, fault, write
from ...ops import ACTIVATIONS
from ..foreign import SYNONYMS
from ..grammar.parse import UnreadUnit
from .word import unknown_word

_NORMS = frozenset(["bn", "gn", "ln"])
_IN_UNITS = {
    "conv",
    "prelu",
    *_NORMS,
    *(word for word in ACTIVATIONS if " " not in word),
}


def unit_problem(failure: UnreadUnit, blocks: Collection[str]) -> Fault:
    """The error for a unit that cannot be read."""
    part = failure.rest[0]
    if part.text in blocks:
        message = f"`{part.text}` is a block, and a unit is made of ops"
        return fault(
            "E025", message, part.span, "as in `unit: conv bn relu`"
        )
    if part.text == "none":
        hint = "without a norm and an activation it is `unit: conv`"
        return fault("E025", "a unit has no `none`", part.span, hint)
    if meant := _meant(failure.text):
        message = "a unit is ops with spaces between them"
        return fault("E025", message, failure.span, meant)
    return unknown_word(failure.rest, ACTIVATIONS | _NORMS, failure.span)


def _meant(text: str) -> Hint:
    """`conv bn relu` for `ConvBNReLU`, `conv + bn + relu` and `relu(bn(conv))`; nothing for what
    may be read twice."""
    if len(text) > 64 or re.search(r"[^\w\s+>/,.&|()-]", text):
        return Hint()
    called = re.fullmatch(r"(?:\w+\()+\w+\)+", text.strip())
    runs = re.findall(r"[A-Za-z0-9]+", text)
    readings = list(
        _ops_in("".join(reversed(runs) if called else runs).lower())
    )
    words = len(text.replace(",", " ").split())
    # where there are as many words as ops, one of them is wrong, and told of
    if [
        len(ops) != words and ops.count("conv") == 1 for ops in readings
    ] != [True]:
        return Hint()
    return replace(write(" ".join(readings[0])), certain=not called)


def _ops_in(word: str) -> Iterator[list[str]]:
    """Each way to cut a word of small letters into ops that a unit can have, also as others call
    them."""
    if not word:
        yield []
    for end in range(2, len(word) + 1):
        op = SYNONYMS.get(word[:end], word[:end])
        if op in _IN_UNITS:
            yield from ([op, *rest] for rest in _ops_in(word[end:]))
