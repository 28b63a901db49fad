"""A unit with a word that is no op → the error, with the unit that was meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import starmap

from msgspec.structs import replace

from ...errors import Fault, Hint, fault, write
from ...ops import ACTIVATIONS, VOCABULARY
from ..foreign import SYNONYMS
from ..grammar.label import phrase_at
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
    if meant := _with_options(failure.text.split()):
        message = "a unit in which a word has an option is a list"
        return fault("E025", message, failure.span, meant)
    if part.text[:1].isdigit():
        hint = "with options a unit is a list: `[conv, gn 16, relu]`"
        return fault("E011", f"no op `{part.text}`", part.span, hint)
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


def _with_options(texts: list[str]) -> Hint:
    """`[conv, gn 4, relu]` for `conv gn 4 relu` and `conv gn groups=4 relu`; nothing where what
    stands behind a word is no option of it."""
    labels: list[list[str]] = []
    while texts:
        if word := phrase_at(texts, 0):
            labels.append([word])
        elif labels:
            labels[-1] += texts[0].replace("=", " ").split()
        else:
            return Hint()
        texts = texts[len(word.split()) or 1 :]
    if not all(starmap(_are_options, labels)):
        return Hint()
    return write(f"[{', '.join(starmap(_label, labels))}]")


def _are_options(word: str, *behind: str) -> bool:
    """Whether all that stands behind a word are its options and numbers."""
    op = VOCABULARY[word]
    said = op.fields()
    numbers = re.compile(r"-?\d[\d_.]*(e-?\d+)?").fullmatch
    known = all(part in said or numbers(part) for part in behind)
    return known and not (word == "conv" and behind)


def _label(word: str, *behind: str) -> str:
    """`gn 4`, also of `gn groups 4`."""
    number = VOCABULARY[word].number
    return " ".join([word, *(part for part in behind if part != number)])
