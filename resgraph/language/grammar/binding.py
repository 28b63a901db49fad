"""A `Label` whose word is known to be an op or a block → a `Bound` label: its number, options and
mode.

    rest = { number | "/" size | flag | mode | key value }

Raises `Fault` where an option stands where it cannot, and `UnreadOption` where a chunk is none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from ...collecting import each_text
from ...errors import Fault, fault
from ...ops import ACTIVATIONS, LATER, VOCABULARY
from .expression import BinaryOp, NumberLiteral
from .failure import Failure
from .label import (
    EDGES,
    KERNEL,
    parse_edges,
    parse_expr,
    parse_size,
    parse_value,
    phrase_at,
)
from .own import FIRST, is_own
from .records import (
    Bound,
    Chunk,
    EdgeList,
    Expr,
    Label,
    ListValue,
    Option,
    PathDef,
    Sizes,
    Value,
    Word,
)
from .targets import (
    Target,
    fields_of,
    is_flag,
    literal_words,
    takes_mode,
)
from .words import MODES, POLICIES

LAYERS = (
    frozenset(phrase.partition(" ")[0] for phrase in VOCABULARY)
    - ACTIVATIONS
)
"""The words with which a label of a layer begins."""
_FIRST_LAYERS = (
    frozenset(phrase.partition(" ")[0] for phrase in FIRST) - ACTIVATIONS
)
SIZES = frozenset(["size", "cells"])
"""The numbers of ops that are sizes: `to 14x14`, `pad 0:1`."""
Rule = Literal[
    "number", "stride", "mode", "value", "policy", "key", "long mode"
]


class UnreadOption(Failure):
    """A chunk behind a label's word, or a key of the long form, that its rule does not want.

    `binder` holds the label and what was read of it before."""

    def __init__(
        self, rule: Rule, binder: Binder, part: Chunk | Option
    ) -> None:
        super().__init__(rule, part.span)
        self.rule: Rule = rule
        self.binder, self.part = binder, part


def bind(label: Label, target: Target, words: Collection[str]) -> Bound:
    """The rest of a label, read as options of `target`; `words` as for `parse_label`."""
    binder = Binder(label, target, words)
    return binder.bound_mapping() if label.options else binder.bound()


class Binder:
    """Reads the chunks behind a label's word, one after another."""

    def __init__(
        self, label: Label, target: Target, words: Collection[str]
    ) -> None:
        self.label, self.target, self.words = label, target, words
        self.fields = fields_of(target)
        self.texts = each_text(label.rest)
        self.place = 0
        self.number: Expr | Sizes | EdgeList | None = None
        self.options: dict[str, Option] = {}
        self.mode: Word | None = None

    def bound(self) -> Bound:
        if kernel := self.label.kernel:
            if "kernel" not in self.fields:
                raise fault(
                    "E012",
                    f"`{self.label.word}` has no kernel",
                    kernel.span,
                )
            self.put("kernel", kernel, kernel)
        while self.place < len(self.texts):
            self.read(self.take())
        return Bound(self.label, self.number, self.options, self.mode)

    def read(self, part: Chunk) -> None:
        mode = (
            phrase_at(self.texts, self.place - 1, ACTIVATIONS) or part.text
        )
        if part.text.startswith("/"):
            self.read_stride(part)
        elif mode in MODES or (
            mode in ACTIVATIONS and not is_own(mode, self.words)
        ):
            self.read_mode(part, mode)
        elif part.text in self.fields:
            self.read_option(part)
        elif part.text in self.words and takes_mode(self.target, "relu"):
            # a `let` that stands for an activation
            self.read_mode(part, part.text)
        else:
            self.read_number(part)

    def take(self) -> Chunk:
        self.place += 1
        return self.label.rest[self.place - 1]

    def put(self, key: str, at: Chunk | Sizes, value: Value) -> None:
        if key in self.options:
            raise fault("E013", f"duplicate option `{key}`", at.span)
        self.options[key] = Option(key, at.span, value)

    def read_stride(self, part: Chunk) -> None:
        if "stride" not in self.fields:
            raise fault(
                "E012", f"`{self.label.word}` has no stride", part.span
            )
        if part.text == "/":
            raise UnreadOption("stride", self, part)
        span = part.span.part(1, len(part.text))
        self.put("stride", part, parse_size(part.text[1:], span))

    def read_mode(self, part: Chunk, mode: str) -> None:
        named = mode in MODES or mode in ACTIVATIONS
        if named and not takes_mode(self.target, mode):
            raise UnreadOption("mode", self, part)
        if self.mode is not None:
            message = f"`{self.mode.text}` and `{mode}` exclude each other"
            raise fault("E013", message, part.span)
        self.mode = Word(mode, part.span)
        self.place += len(mode.split()) - 1

    def read_option(self, part: Chunk) -> None:
        key, target = part.text, self.target
        if is_flag(target, key):
            return self.put(key, part, Word("true", part.span))
        if self.place == len(self.texts):
            raise UnreadOption("value", self, part)
        value = self.take()
        if key == "shortcut":
            return self.put(key, part, self.policy(value))
        if value.text in literal_words(target, key):
            return self.put(key, part, Word(value.text, value.span))
        return self.put(
            key, part, parse_value(value.text, value.span, self.words)
        )

    def policy(self, value: Chunk) -> Word:
        text = value.text
        two = " ".join([text, *self.texts[self.place : self.place + 1]])
        if two != text and two in POLICIES:
            self.take()
            text = two
        if text not in POLICIES:
            raise UnreadOption("policy", self, value)
        return Word(text, value.span)

    @property
    def sized(self) -> bool:
        """Whether the number of the op is a size."""
        return self.target.number in SIZES

    def as_number(self, part: Chunk) -> Expr | Sizes | EdgeList:
        """A number; a size where the number of the op is one."""
        if self.sized and KERNEL.match(part.text):
            return parse_size(part.text, part.span)
        if self.sized and (":" in part.text or EDGES.match(part.text)):
            return parse_edges(part.text, part.span)
        return parse_expr(part.text, part.span)

    def is_layer(self, part: Chunk) -> bool:
        """Whether another layer begins here."""
        phrase = phrase_at(self.texts, self.place - 1, LATER)
        return part.text in _FIRST_LAYERS or (
            bool(phrase) and not is_own(phrase, self.words)
        )

    def read_number(self, part: Chunk) -> None:
        taken = self.number is not None or not self.target.number
        if taken or self.is_layer(part) or part.text in self.words:
            raise UnreadOption("number", self, part)
        try:
            number = self.as_number(part)
        except Fault:
            raise UnreadOption("number", self, part) from None
        if (
            "stride" in self.fields
            and isinstance(number, Expr)
            and _is_quotient(number)
        ):
            raise UnreadOption("number", self, part)
        self.number = number

    def bound_mapping(self) -> Bound:
        """A layer or call in the long form, whose options were read with their keys."""
        options = dict(self.label.options)
        key = self.target.number or ""
        number = options.pop(key).value if key in options else None
        mode = options.pop("mode", None)
        for option in options.values():
            if option.key not in self.fields:
                raise UnreadOption("key", self, option)
        word = self.long_mode(mode) if mode else None
        listed = isinstance(number, ListValue) and not self.sized
        if not listed and not isinstance(number, PathDef):
            return Bound(self.label, number, options, word)
        raise fault(
            "E022", f"`{key}` is one number", self.label.options[key].span
        )

    def long_mode(self, mode: Option) -> Word:
        if isinstance(mode.value, Word | Expr):
            text = mode.value.text
            if takes_mode(self.target, text) or text in self.words:
                return Word(text, mode.span)
        raise UnreadOption("long mode", self, mode)


def _is_quotient(number: Expr) -> bool:
    """Whether a number may be a width and a stride that touch: `64/2`."""
    tree = number.tree
    return (
        isinstance(tree, BinaryOp)
        and tree.symbol == "/"
        and isinstance(tree.left, NumberLiteral)
        and isinstance(tree.right, NumberLiteral)
    )
