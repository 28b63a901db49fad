"""The text of a label → a `Label`; `binding.py` reads what follows its word.

    label = [ expr "x" ] [ INT "x" INT ] word { number | "/" size | flag | mode | key value }

Everything here raises `Fault` with the place of the characters that are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ...errors import Span, fault, write
from ...ops import VOCABULARY
from ..diagnose.misspelled import respelled_word, turned, unknown_word
from ..yaml.characters import LOOK_ALIKES, look_alikes
from .expression import ExpressionError, parse_expression
from .records import Chunk, Equation, Expr, Label, Size, Value, Word
from .words import POLICIES, foreign_letters

_KERNEL = re.compile(r"([0-9]+)x([0-9]+)\Z")
_PAIR = re.compile(r"\(\s*([0-9]{1,4})\s*,\s*([0-9]{1,4})\s*\)")
_TIMES = ("×", "X", "\u0445")  # the last is Cyrillic
_PHRASES = sorted((phrase.split() for phrase in VOCABULARY), key=len, reverse=True)


def chunks(text: str, span: Span) -> list[Chunk]:
    """A label cut at its spaces and commas, those in brackets excepted."""
    out: list[Chunk] = []
    depth, start = 0, -1
    for place, character in enumerate(text):
        if character in " ,\t\n" and depth <= 0:
            if start >= 0:
                out.append(Chunk(text[start:place], span.part(start, place)))
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
    for phrase in _PHRASES:
        if words[place : place + len(phrase)] == phrase and " ".join(phrase) in phrases:
            return " ".join(phrase)
    return ""


def parse_expr(text: str, span: Span) -> Expr:
    """A number as written."""
    try:
        return Expr(text, span, parse_expression(text))
    except ExpressionError as e:
        if pair := _PAIR.fullmatch(text):
            hint = write(
                f"{pair[1]}x{pair[2]}",
                f", or `{pair[1]}`" if pair[1] == pair[2] else "",
            )
            raise fault(
                "E010", f"`{text}` is not how a size is written", span, hint
            ) from None
        raise e.at(span) from None


def parse_equation(text: str, span: Span) -> Equation:
    """An equation over tensors."""
    expr = parse_expr(text, span)
    return Equation(text, span, expr.tree)


def parse_size(text: str, span: Span) -> Size:
    """`2`, `stride`, `1x7`."""
    if not (found := _KERNEL.match(text)):
        return Size(parse_expr(text, span), None, span)
    if len(text) > 9:
        raise fault("E035", f"`{text}` is no sensible size", span)
    down, across = (parse_expr(part, span) for part in found.groups())
    return Size(down, across, span)


def parse_value(text: str, span: Span, blocks: Collection[str]) -> Value:
    """The value of a `let` or of a key: a word of the language, a size, or an expression."""
    if text in VOCABULARY or text in blocks or text in POLICIES or text == "same":
        return Word(text, span)
    return parse_size(text, span) if _KERNEL.match(text) else parse_expr(text, span)


def parse_label(text: str, span: Span, words: Collection[str]) -> Label | None:
    """The label that `text` is, or None where it does not begin like one.

    `words` are the names that can stand for a word beside the ops: blocks, and `let`s whose value
    is a word."""
    if alike := LOOK_ALIKES.search(text):
        said, hint = look_alikes(alike[0])
        raise fault("E010", said, span.part(*alike.span()), hint)
    parts = chunks(text, span)
    texts = [part.text for part in parts]
    place, repeat, kernel = 0, None, None
    if (
        len(parts) > 1
        and (pair := _PAIR.fullmatch(texts[0]))
        and (phrase_at(texts, 1) or texts[1] in words)
    ):
        raise fault(
            "E010",
            f"`{texts[0]}` is not how a size is written",
            parts[0].span,
            write(f"{pair[1]}x{pair[2]}"),
        )
    if len(parts) > 2 and texts[1] == "x":
        if len(parts) > 3 and _KERNEL.match(f"{texts[0]}x{texts[2]}"):
            whole = Span(span.source, *_start(parts[0].span), *_end(parts[2].span))
            hint = write(f"{texts[0]}x{texts[2]}", ", in one word")
            raise fault(
                "E014", f"`{' '.join(texts[:3])}` is not a kernel size", whole, hint
            )
        repeat, place = parse_expr(texts[0], parts[0].span), 2
    if place < len(parts) and _KERNEL.match(texts[place]):
        kernel = parse_size(texts[place], parts[place].span)
        place += 1
    word = phrase_at(texts, place) or (
        texts[place] if place < len(texts) and texts[place] in words else ""
    )
    if word:
        rest = place + len(word.split())
        word_span = Span(
            span.source, *_start(parts[place].span), *_end(parts[rest - 1].span)
        )
        return Label(text, span, word, word_span, repeat, kernel, tuple(parts[rest:]))
    if _is_repeated(texts, words):
        both = Span(span.source, *_start(parts[0].span), *_end(parts[1].span))
        notes = filter(None, [foreign_letters(texts[1])])
        message = f"`{texts[0]} {texts[1]}` is not how a repeat is written"
        raise fault("E011", message, both, write(f"{texts[0]} x"), "", *notes)
    if repeat is None and kernel is None:
        starred = respelled_word(texts[0], words) if texts and "*" in texts[0] else ""
        alone = re.search(r" x [A-Za-z]", starred)  # `3*bottleneck`, the whole of it
        if starred and (
            alone or phrase_at(texts, 1) or (len(texts) > 1 and texts[1] in words)
        ):
            raise unknown_word(parts, words, span)
        return None
    raise (turned(parts, words) if repeat else None) or unknown_word(
        parts[place:], words, span
    )


def _is_repeated(texts: list[str], words: Collection[str]) -> bool:
    """Whether a label has another sign for the `x` of its repeat; `n * …` may be a product."""
    if len(texts) < 3 or not (
        texts[1] in _TIMES or (texts[1] == "*" and texts[0].isdecimal())
    ):
        return False
    place = 3 if _KERNEL.match(texts[2]) else 2
    return bool(phrase_at(texts, place)) or (
        texts[place : place + 1] != [] and texts[place] in words
    )


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column


def _end(span: Span) -> tuple[int, int]:
    return span.end_line, span.end_column
