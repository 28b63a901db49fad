"""The text of a label → a `Label`; `binding.py` reads what follows its word.

    label = [ expr "x" ] [ size ] word { number | "/" size | flag | mode | key value }
    size  = INT { "x" INT }

Where a number in it is wrong, `Fault` has the place of its characters.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ...collecting import each_text
from ...errors import Span, fault, write
from ...ops import LATER, VOCABULARY
from ..yaml.characters import LOOK_ALIKES
from .expression import ExpressionError, parse_expression
from .own import is_own
from .records import (
    Again,
    Chunk,
    EdgeList,
    Expr,
    Label,
    ListValue,
    Sizes,
    TensorExpr,
    Value,
    Word,
)
from .words import MODES, POLICIES

KERNEL = re.compile(r"[0-9]+(?:x[0-9]+)+\Z")
PAIR = re.compile(r"\(\s*([0-9]{1,4})\s*,\s*([0-9]{1,4})\s*\)")
AGAIN = "again"
EDGES = re.compile(r"-?[0-9]+(?::-?[0-9]+)?(?:x-?[0-9]+(?::-?[0-9]+)?)+\Z")
ABOUT_AGAIN = "A row, a path, or a run of rows above once more, with the same weights."
_TARGET = re.compile(r"(?P<first>\w+(\.\w+)*)(\.\.(?P<last>\w+))?")
_PHRASES: dict[str, list[list[str]]] = {}
for _phrase in sorted(map(str.split, VOCABULARY), key=len, reverse=True):
    _PHRASES.setdefault(_phrase[0], []).append(_phrase)


def chunks(text: str, span: Span) -> list[Chunk]:
    """A label cut at its spaces and commas, those in brackets excepted."""
    out: list[Chunk] = []
    depth, start = 0, -1
    for place, character in enumerate(text):
        if character in " ,\t\n" and depth <= 0:
            if start >= 0:
                out.append(
                    Chunk(text[start:place], span.part(start, place))
                )
            start = -1
        elif start < 0:
            start = place
        depth += (character == "(") - (character == ")")
    if start >= 0:
        out.append(Chunk(text[start:], span.part(start, len(text))))
    return out


def phrase_at(
    words: list[str], place: int, phrases: Collection[str] = VOCABULARY
) -> str:
    """The longest of `phrases` that begins at `place`, or ""."""
    first = words[place] if place < len(words) else ""
    for phrase in _PHRASES.get(first, ()):
        if (
            words[place : place + len(phrase)] == phrase
            and " ".join(phrase) in phrases
        ):
            return " ".join(phrase)
    return ""


def parse_expr(text: str, span: Span) -> Expr:
    """A number as written."""
    try:
        return Expr(text, span, parse_expression(text))
    except ExpressionError as e:
        if pair := PAIR.fullmatch(text):
            hint = write(
                f"{pair[1]}x{pair[2]}",
                f", or `{pair[1]}`" if pair[1] == pair[2] else "",
            )
            raise fault(
                "E010", f"`{text}` is not how a size is written", span, hint
            ) from None
        raise e.at(span) from None


def parse_equation(text: str, span: Span) -> TensorExpr:
    """An equation over tensors."""
    expr = parse_expr(text, span)
    return TensorExpr(text, span, expr.tree)


def parse_size(text: str, span: Span) -> Sizes:
    """`2`, `stride`, `1x7`, `3x7x7`."""
    if not KERNEL.match(text):
        return Sizes((parse_expr(text, span),), span)
    axes = text.split("x")
    if max(map(len, axes)) > 4 or len(axes) > 3:
        raise fault("E035", f"`{text}` is no sensible size", span)
    return Sizes(tuple(parse_expr(part, span) for part in axes), span)


def parse_edges(text: str, span: Span) -> EdgeList:
    """`0:1`, `2x0:1`, `0:(k - 1)`: the cells before and after a map."""
    axes, start = text.split("x") if EDGES.match(text) else [text], 0
    items: list[Value] = []
    for axis in axes:
        items.append(_parse_edge(axis, span.part(start, start + len(axis))))
        start += len(axis) + 1
    return EdgeList(tuple(items), span)


def _parse_edge(text: str, span: Span) -> Value:
    before, colon, after = text.partition(":")
    if not colon:
        return parse_expr(text, span)
    if not before or not after or ":" in after:
        hint = "cells before the map and after it, as in `0:1`"
        raise fault(
            "E010", f"`{text}` is not how a pad is written", span, hint
        )
    sides = (
        parse_expr(before, span.part(0, len(before))),
        parse_expr(after, span.part(len(before) + 1, len(text))),
    )
    return ListValue(sides, span)


def parse_value(text: str, span: Span, blocks: Collection[str]) -> Value:
    """The value of a `let` or of a key: a word of the language, a size, or an expression."""
    op = text in VOCABULARY and not is_own(text, blocks)
    if op or text in blocks or text in (*POLICIES, *MODES, "same"):
        return Word(text, span)
    if ":" in text:
        return parse_edges(text, span)
    return (
        parse_size(text, span)
        if KERNEL.match(text)
        else parse_expr(text, span)
    )


def parse_label(
    text: str, span: Span, words: Collection[str]
) -> Label | None:
    """The label that `text` is, or None where it is none.

    `words` are the names that can stand for a word beside the ops: blocks, and `let`s whose value
    is a word. Raises `Fault` for a repeat or a kernel that is no number."""
    if not text.isascii() and LOOK_ALIKES.search(text):
        return None
    parts = chunks(text, span)
    texts = each_text(parts)
    place, repeat, kernel = 0, None, None
    if len(parts) > 2 and texts[1] == "x":
        repeat, place = parse_expr(texts[0], parts[0].span), 2
    if place < len(parts) and _is_kernel(texts, place):
        kernel = parse_size(texts[place], parts[place].span)
        place += 1
    word = word_at(texts, place, words)
    if not word:
        return None
    rest = place + len(word.split())
    word_span = parts[place].span.to(parts[rest - 1].span)
    return Label(
        text, span, word, word_span, repeat, kernel, tuple(parts[rest:])
    )


def parse_again(
    text: str, span: Span, words: Collection[str]
) -> Again | None:
    """`[N x] again NAME` or `again FIRST..LAST`; None for any other text, and where a block has
    that word. Raises `Fault` for anything more."""
    parts = chunks(text, span)
    texts = each_text(parts)
    place = 2 if len(parts) > 2 and texts[1] == "x" else 0
    if AGAIN not in texts[place : place + 2] or AGAIN in words:
        return None
    repeat = parse_expr(texts[0], parts[0].span) if place else None
    wrong = parts[place : texts.index(AGAIN)] or parts[place + 2 :]
    if wrong:
        said = f"`{AGAIN}` takes a name and nothing else: its layers are as they were made"
        raise fault("E012", said, wrong[0].span)
    first, last = _ends(parts[-1].text, span)
    return Again(text, span, first, last, parts[-1].span, repeat)


def _ends(target: str, span: Span) -> tuple[str, str]:
    """The first and the last name of `FIRST..LAST`; of one name, it twice. Raises `Fault`."""
    found = _TARGET.fullmatch(target)
    if found is None or target == AGAIN:
        hint = f"as in `{AGAIN} conv1`, `{AGAIN} conv1.0.body` or `{AGAIN} conv1..conv3`"
        raise fault(
            "E012",
            f"`{AGAIN}` needs the name of what stands above",
            span,
            hint,
        )
    return found["first"], found["last"] or found["first"]


def _is_kernel(texts: list[str], place: int) -> bool:
    """Whether a kernel stands there: `3x3`, or one number before an op that has a kernel."""
    op = VOCABULARY.get(phrase_at(texts, place + 1))
    alone = (
        texts[place].isdecimal()
        and op is not None
        and "kernel" in op.fields()
    )
    return alone or KERNEL.match(texts[place]) is not None


def word_at(texts: list[str], place: int, words: Collection[str]) -> str:
    """The op or the one of `words` that begins at `place`, or ""."""
    word = "".join(texts[place : place + 1])
    named, phrase = word if word in words else "", phrase_at(texts, place)
    if is_own(phrase, words) or (named and phrase in LATER):
        return named
    return phrase or named
