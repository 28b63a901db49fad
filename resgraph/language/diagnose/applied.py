"""An equation that calls a layer or a block as if it were a function → the error, with where a
layer stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Set
from itertools import islice

from ...collecting import each_name
from ...errors import Fault, Hint, Span, fault
from ...ops import VOCABULARY
from ..foreign import SYNONYMS, squeezed
from ..grammar.expression import (
    ExpressionError,
    names_in,
    parse_expression,
)
from .word import functions_of_tensors

_APPLIED = re.compile(
    r"(?:[A-Za-z_]\w*\.)*(?P<words>[A-Za-z]\w*(?: [A-Za-z]\w*)*)$"
)
_LONGEST = 64
"""Letters of a name that is looked for: no op's has as many."""
_MOST = 16
"""Brackets that are looked at, as each may reach to the end of the text."""
_OURS = SYNONYMS | {squeezed(op): op for op in VOCABULARY}
"""By their squeezed words."""


def applied(
    text: str, span: Span, tensors: Set[str], blocks: Collection[str]
) -> Fault | None:
    """`leaky relu(body + shortcut)`, and `x*se(x)`, of `tensors` in sight."""
    for bracket in islice(re.finditer(r"\(", text), _MOST):
        start = bracket.start()
        before = max(0, start - _LONGEST)
        found = _APPLIED.search(text[before:start])
        if not found:
            continue
        word, begin = found["words"], before + found.start()
        ours = word if word in blocks else _OURS.get(squeezed(word))
        end = _closed(text, start)
        inside = text[start + 1 : end - 1].strip()
        names = _names(inside)
        # a call in Python, `conv(3, width)`, is one word
        read = names if " " in word else names & tensors
        if ours and word not in functions_of_tensors() and read:
            whole = text == text[begin:end]
            said = f"no function `{word}` of tensors"
            hint = _meant(ours, inside, whole=whole)
            return fault("E030", said, span.part(begin, start), hint)
    return None


def _closed(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`; the end where none does."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if not depth:
            return place + 1
    return len(text)


def _names(inside: str) -> set[str]:
    """What an expression reads; nothing where it is none."""
    try:
        tree = parse_expression(inside)
    except ExpressionError:
        return set()
    return set(each_name(names_in(tree)))


def _meant(ours: str, inside: str, *, whole: bool) -> Hint:
    if ours in functions_of_tensors():
        return Hint(f"did you mean `{ours}`?", ours, True)
    path = f"`[{inside}, {ours}]`"
    return Hint(
        f"a layer stands in a path: write {path}"
        if whole
        else f"a layer stands in a path of its own, {path}, whose name an equation reads"
    )
