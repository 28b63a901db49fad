"""The text of a label → a `Label`, then, once its word is known to be an op or a block, a `Bound` label.

    label = [ expr "x" ] [ INT "x" INT ] word { number | "/" size | flag | mode | key value }

Everything here raises `Fault` with the place of the characters that are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin

from ..errors import Span, fault
from ..ops import ACTIVATIONS, VOCABULARY, Op
from .expressions import ExpressionError, parse_expression
from .misspelled import misplaced, numberless, refuse_quotient, respelled_word, turned, unknown_word
from .records import BlockDef, Bound, Chunk, Equation, Expr, Label, Option, Size, Value, Word
from .words import MODES, POLICIES, did_you_mean

Target = type[Op] | BlockDef

_KERNEL = re.compile(r"([0-9]+)x([0-9]+)\Z")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
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


def phrase_at(words: list[str], place: int, phrases: Collection[str] = VOCABULARY) -> str:
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

    `words` are the names that can stand for a word beside the ops: blocks, and `let`s whose value is a word.
    """
    parts = chunks(text, span)
    texts = [part.text for part in parts]
    place, repeat, kernel = 0, None, None
    if len(parts) > 2 and texts[1] == "x":
        if len(parts) > 3 and _KERNEL.match(f"{texts[0]}x{texts[2]}"):
            whole = Span(span.source, *_start(parts[0].span), *_end(parts[2].span))
            fix = f"write `{texts[0]}x{texts[2]}`, in one word"
            raise fault("E014", f"`{' '.join(texts[:3])}` is not a kernel size", whole, fix)
        repeat, place = parse_expr(texts[0], parts[0].span), 2
    if place < len(parts) and _KERNEL.match(texts[place]):
        kernel = parse_size(texts[place], parts[place].span)
        place += 1
    word = phrase_at(texts, place) or (texts[place] if place < len(texts) and texts[place] in words else "")
    if word:
        rest = place + len(word.split())
        word_span = Span(span.source, *_start(parts[place].span), *_end(parts[rest - 1].span))
        return Label(text, span, word, word_span, repeat, kernel, tuple(parts[rest:]))
    times = texts[1] if len(texts) > 2 and texts[1] in ("*", "×", "X") else ""
    if times and texts[0].isdecimal() and (phrase_at(texts, 2) or texts[2] in words):
        both = Span(span.source, *_start(parts[0].span), *_end(parts[1].span))
        raise fault("E011", f"`{texts[0]} {times}` is not how a repeat is written", both, f"write `{texts[0]} x`")
    if repeat is None and kernel is None:
        starred = respelled_word(texts[0], words) if texts and "*" in texts[0] and len(texts) > 1 else ""
        if starred and (phrase_at(texts, 1) or texts[1] in words):
            raise unknown_word(parts, words, span)
        return None
    raise (turned(parts, words) if repeat else None) or unknown_word(parts[place:], words, span)


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column


def _end(span: Span) -> tuple[int, int]:
    return span.end_line, span.end_column


def fields_of(target: Target) -> frozenset[str]:
    """The option names that a target has, its number apart."""
    if isinstance(target, BlockDef):
        return frozenset(target.lets) | {"shortcut", "stride"}
    return frozenset(target.model_fields) - {"op", target.number}


def takes_mode(target: Target, word: str) -> bool:
    """Whether `word` is a mode of the target: `linear`, `bare` and activations for convs, activations for fc."""
    if isinstance(target, BlockDef):
        return False
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
    return frozenset() if isinstance(target, BlockDef) else _words_of_field(target, key)


@cache
def _words_of_field(op: type[Op], key: str) -> frozenset[str]:
    return frozenset(_literals(op.model_fields[key].annotation))


def _literals(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (value for value in get_args(annotation) if isinstance(value, str))
    else:
        for argument in get_args(annotation):
            yield from _literals(argument)


def bind(label: Label, target: Target, words: Collection[str]) -> Bound:
    """The rest of a label, read as options of `target`; `words` as for `parse_label`."""
    return _bind_mapping(label, target, words) if label.options else _Binder(label, target, words).bound()


class _Binder:
    """Reads the chunks behind a label's word, one after another."""

    def __init__(self, label: Label, target: Target, words: Collection[str]) -> None:
        self.label, self.target, self.words = label, target, words
        self.fields = fields_of(target)
        self.texts = [part.text for part in label.rest]
        self.place = 0
        self.number: Value | None = None
        self.options: dict[str, Option] = {}
        self.mode: Word | None = None

    def bound(self) -> Bound:
        if self.label.kernel is not None:
            if "kernel" not in self.fields:
                raise fault("E012", f"`{self.label.word}` has no kernel", self.label.kernel.span)
            self.put("kernel", self.label.kernel.span, self.label.kernel)
        while self.place < len(self.texts):
            part = self.take()
            mode = phrase_at(self.texts, self.place - 1, ACTIVATIONS) or part.text
            if part.text.startswith("/"):
                self.read_stride(part)
            elif mode in MODES or mode in ACTIVATIONS:
                self.read_mode(part, mode)
            elif part.text in self.fields:
                self.read_option(part)
            elif part.text in self.words and takes_mode(self.target, "relu"):
                self.read_mode(part, part.text)  # a `let` that stands for an activation
            else:
                self.read_number(part)
        return Bound(self.label, self.number, self.options, self.mode)

    def take(self) -> Chunk:
        self.place += 1
        return self.label.rest[self.place - 1]

    def put(self, key: str, span: Span, value: Value) -> None:
        if key in self.options:
            raise fault("E013", f"`{key}` is given twice", span)
        self.options[key] = Option(key, span, value)

    def read_stride(self, part: Chunk) -> None:
        if "stride" not in self.fields:
            raise fault("E012", f"`{self.label.word}` has no stride", part.span)
        if part.text == "/":
            raise fault("E010", "a stride is expected after `/`", part.span, "write `/2`, without a space")
        span = part.span.part(1, len(part.text))
        self.put("stride", part.span, parse_size(part.text[1:], span))

    def read_mode(self, part: Chunk, mode: str) -> None:
        if mode in MODES | ACTIVATIONS and not takes_mode(self.target, mode):
            raise fault("E012", f"`{self.label.word}` takes no `{mode}`", part.span, mode_hint(self.target, mode))
        if self.mode is not None:
            raise fault("E013", f"`{self.mode.text}` and `{mode}` exclude each other", part.span)
        self.mode = Word(mode, part.span)
        self.place += len(mode.split()) - 1

    def read_option(self, part: Chunk) -> None:
        key = part.text
        if not isinstance(self.target, BlockDef) and self.target.model_fields[key].annotation is bool:
            return self.put(key, part.span, Word("true", part.span))
        if self.place == len(self.texts):
            choices = ["2", *sorted(literal_words(self.target, key) - {"default"})]
            examples = " or ".join(f"`{key} {choice}`" for choice in choices)
            raise fault("E012", f"`{key}` needs a value", part.span, f"write it behind: {examples}")
        value = self.take()
        if key == "shortcut":
            return self.put(key, part.span, self.policy(value))
        words = literal_words(self.target, key)
        if value.text in words:
            return self.put(key, part.span, Word(value.text, value.span))
        return self.put(key, part.span, parse_value(value.text, value.span, self.words))

    def policy(self, value: Chunk) -> Word:
        text = value.text
        if text == "projection" and self.texts[self.place : self.place + 1] == ["always"]:
            self.take()
            text = "projection always"
        if text not in POLICIES:
            known = ", ".join(f"`{policy}`" for policy in sorted(POLICIES))
            raise fault("E012", f"no shortcut policy `{text}`", value.span, f"they are {known}")
        return Word(text, value.span)

    def read_number(self, part: Chunk) -> None:
        target, word = self.target, self.label.word
        if problem := misplaced(self.label, self.place - 1, self.fields, self.words):
            raise problem
        takes = isinstance(target, BlockDef) or target.number is not None
        if _WORD.match(part.text) and (self.number is not None or not takes):
            known = self.fields | (MODES if takes_mode(target, "linear") else frozenset())
            known = known | (ACTIVATIONS if takes_mode(target, "relu") else frozenset())
            options = f"its options are {', '.join(sorted(self.fields))}" if self.fields else "it has no options"
            hint = did_you_mean(part.text, known) or options
            raise fault("E012", f"`{word}` has no option `{part.text}`", part.span, hint)
        first = self.number.text if isinstance(self.number, Expr) else ""
        if hint := did_you_mean(first, self.fields) if _WORD.match(first) else "":
            raise fault("E012", f"`{word}` has no option `{first}`", self.number.span, hint)  # type: ignore[union-attr]
        if self.number is not None:
            hint = "a sum in a label has no spaces, or brackets: `16+16`" if part.text in ("+", "-", "*") else ""
            raise fault("E013", f"`{word}` takes one number, and this is a second", part.span, hint)
        if not takes:
            raise fault("E012", f"`{word}` takes no number", part.span, numberless(word, self.fields, part.text))
        self.number = refuse_quotient(parse_expr(part.text, part.span))


def _bind_mapping(label: Label, target: Target, words: Collection[str]) -> Bound:
    """A layer or call in the long form, whose options were read with their keys."""
    options = dict(label.options)
    key = "out" if isinstance(target, BlockDef) else target.number
    number = options.pop(key, None) if key else None
    mode = options.pop("mode", None)
    for option in options.values():
        if option.key not in fields_of(target):
            known = [*fields_of(target), "repeat", *([key] if key else [])]
            hint = did_you_mean(option.key, known) or f"its options are {', '.join(sorted(known))}"
            raise fault("E012", f"`{label.word}` has no option `{option.key}`", option.span, hint)
    word = Word(mode.value.text, mode.span) if mode and isinstance(mode.value, Word | Expr) else None
    if mode and (word is None or not (takes_mode(target, word.text) or word.text in words)):
        said = f"`{word.text}`" if word else "such mode"
        raise fault("E012", f"`{label.word}` takes no {said}", mode.span, mode_hint(target, word.text if word else ""))
    value = number.value if number else None
    if isinstance(value, Expr | Size | Word) or value is None:
        return Bound(label, value, options, word)
    raise fault("E022", f"`{key}` is one number", number.span if number else label.span)
