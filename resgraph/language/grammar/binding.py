"""A `Label` whose word is known to be an op or a block → a `Bound` label: its number, options and
mode.

Everything here raises `Fault` with the place of the characters that are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from ...errors import Fault, Hint, Span, fault, write
from ...ops import ACTIVATIONS
from ..diagnose.misspelled import (
    long_form,
    misplaced,
    numberless,
    refuse_quotient,
    run_together,
)
from ..diagnose.nearest import did_you_mean, nearest, op_meant, sure
from ..foreign import SYNONYMS, squeezed
from .label import parse_expr, parse_size, parse_value, phrase_at
from .records import BlockDef, Bound, Chunk, Expr, Label, Option, Size, Value, Word
from .targets import Target, fields_of, literal_words, mode_hint, takes_mode
from .words import MODES, POLICIES, policy_hint

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


def bind(label: Label, target: Target, words: Collection[str]) -> Bound:
    """The rest of a label, read as options of `target`; `words` as for `parse_label`."""
    return (
        _bind_mapping(label, target, words)
        if label.options
        else _Binder(label, target, words).bound()
    )


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
                raise fault(
                    "E012", f"`{self.label.word}` has no kernel", self.label.kernel.span
                )
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
            raise fault(
                "E010",
                "a stride is expected after `/`",
                part.span,
                self.behind_slash(part),
            )
        span = part.span.part(1, len(part.text))
        self.put("stride", part.span, parse_size(part.text[1:], span))

    def read_mode(self, part: Chunk, mode: str) -> None:
        if mode in MODES | ACTIVATIONS and not takes_mode(self.target, mode):
            self.refuse_number()
            raise fault(
                "E012",
                f"`{self.label.word}` takes no `{mode}`",
                part.span,
                mode_hint(self.target, mode),
            )
        if self.mode is not None:
            raise fault(
                "E013", f"`{self.mode.text}` and `{mode}` exclude each other", part.span
            )
        self.mode = Word(mode, part.span)
        self.place += len(mode.split()) - 1

    def read_option(self, part: Chunk) -> None:
        key = part.text
        if (
            not isinstance(self.target, BlockDef)
            and self.target.model_fields[key].annotation is bool
        ):
            return self.put(key, part.span, Word("true", part.span))
        if self.place == len(self.texts):
            self.refuse_number()
            choices = ["2", *sorted(literal_words(self.target, key) - {"default"})]
            examples = " or ".join(f"`{key} {choice}`" for choice in choices)
            raise fault(
                "E012",
                f"`{key}` needs a value",
                part.span,
                f"write it behind: {examples}",
            )
        value = self.take()
        if key == "shortcut":
            return self.put(key, part.span, self.policy(value))
        words = literal_words(self.target, key)
        if value.text in words:
            return self.put(key, part.span, Word(value.text, value.span))
        return self.put(key, part.span, parse_value(value.text, value.span, self.words))

    def behind_slash(self, slash: Chunk) -> Hint:
        """The stride that lost its slash to a space."""
        behind = self.label.rest[self.place] if self.place < len(self.texts) else slash
        found = re.fullmatch(r"[0-9]{1,4}", behind.text)
        text = f"/{found[0]}" if found else "/2"
        place = replace(
            slash.span, end_line=behind.span.end_line, end_column=behind.span.end_column
        )
        return replace(
            write(text, ", without a space", place), certain=found is not None
        )

    def policy(self, value: Chunk) -> Word:
        text = value.text
        if text == "projection" and self.texts[self.place : self.place + 1] == [
            "always"
        ]:
            self.take()
            text = "projection always"
        if text not in POLICIES:
            listed = (
                f"they are {', '.join(f'`{policy}`' for policy in sorted(POLICIES))};"
                f" {long_form(self.label.word)}"
            )
            hint = policy_hint(text) or listed
            raise fault("E012", f"no shortcut policy `{text}`", value.span, hint)
        return Word(text, value.span)

    def read_number(self, part: Chunk) -> None:
        target, word = self.target, self.label.word
        if problem := misplaced(self.label, self.place - 1, self.fields, self.words):
            raise problem
        apart = re.fullmatch(r"([A-Za-z][\w-]*)(/\w+)", part.text)
        if apart and (
            apart[1] in MODES | ACTIVATIONS
            or (apart[1] in self.fields and self.number is not None)
        ):
            raise run_together(part)
        if not part.text.isascii():
            parse_expr(part.text, part.span)  # whose error names the character
        takes = isinstance(target, BlockDef) or target.number is not None
        self.refuse_number()
        if _WORD.match(part.text) and (self.number is not None or not takes):
            known = self.fields | (
                MODES if takes_mode(target, "linear") else frozenset()
            )
            known = known | (ACTIVATIONS if takes_mode(target, "relu") else frozenset())
            if isinstance(target, BlockDef) and part.text in target.reads:
                raise self.undeclared(part, target)
            options = (
                f"its options are {', '.join(sorted(self.fields))}"
                if self.fields
                else "it has no options"
            )
            near = (
                self.norm(part)
                or op_meant(part.text, known)
                or self.flagged(part)
                or self.function()
                or options
            )
            meant = {part.text, nearest(part.text, self.words)}
            raise fault(
                "E012",
                f"`{word}` has no option `{part.text}`",
                part.span,
                near,
                names=meant,
            )
        first = self.number.text if isinstance(self.number, Expr) else ""
        if (
            near := did_you_mean(first, self.fields) if _WORD.match(first) else ""
        ) and self.number:
            place = self.number.span
            raise fault("E012", f"`{word}` has no option `{first}`", place, near)
        if self.number is not None:
            hint = (
                "a sum in a label has no spaces, or brackets: `16+16`"
                if part.text in ("+", "-", "*")
                else ""
            )
            if isinstance(target, BlockDef) and first in target.reads:
                hint = f"a call sets what its block's `let:` declares, and `{first}` is the file's"
            raise fault(
                "E013",
                f"`{word}` takes one number, and this is a second",
                part.span,
                hint,
            )
        if not takes:
            raise fault(
                "E012",
                f"`{word}` takes no number",
                part.span,
                numberless(word, self.fields, part.text),
            )
        number = parse_expr(part.text, part.span)
        self.number = refuse_quotient(number) if "stride" in self.fields else number

    def refuse_number(self) -> None:
        """Raise the error for a number that is a misspelled option, where what follows it is
        wrong."""
        first = self.number.text if isinstance(self.number, Expr) else ""
        if (
            self.number is not None
            and _WORD.match(first)
            and (option := sure(first, self.fields))
        ):
            raise fault(
                "E012",
                f"`{self.label.word}` has no option `{first}`",
                self.number.span,
                option,
            )

    def undeclared(self, part: Chunk, block: BlockDef) -> Fault:
        """The error for an option that the block reads and does not declare, perhaps by a slip."""
        said = f"`{self.label.word}` has no option `{part.text}`"
        let = (
            "the block reads it, and has to declare it with a value of its own: `let:"
            f" {{{part.text}: …}}`"
        )
        if declared := nearest(part.text, block.lets):
            let = (
                f"the block reads `{part.text}` and declares `{declared}`: one of the two is"
                " misspelled"
            )
        return fault(
            "E012",
            said,
            part.span,
            let,
            names=[part.text, declared],
            causes=["E030", "E034"],
        )

    def norm(self, part: Chunk) -> str:
        """What to write for a norm behind a convolution."""
        op = SYNONYMS.get(squeezed(part.text), "")
        if op not in ("bn", "gn", "ln") or self.label.word not in (
            "conv",
            "depthwise conv",
        ):
            return ""
        alone = f"`[{self.before(part)}, {op}]`"
        return (
            f"`unit: conv {op} relu` says what every `conv` has behind it; behind this one alone,"
            f" {alone}"
        )

    def before(self, part: Chunk) -> str:
        """The label in front of one of its words."""
        return self.label.text[: part.span.column - self.label.span.column].rstrip(" ,")

    def flagged(self, part: Chunk) -> str:
        """What to write for the `true` behind a flag."""
        before = self.texts[self.place - 2] if self.place > 1 else ""
        if part.text not in ("true", "false") or before not in self.fields:
            return ""
        return (
            f"`{before}` alone says so"
            if part.text == "true"
            else f"leave `{before}` out too"
        )

    def function(self) -> str:
        """What to write for `relu body + shortcut`."""
        rest = " ".join(self.texts)
        equation = self.label.word in ACTIVATIONS and (
            len(self.texts) == 1 or set("+*(") & set(rest)
        )
        return (
            f"in an equation it has brackets: `{self.label.word}({rest})`"
            if equation
            else ""
        )


def _bind_mapping(label: Label, target: Target, words: Collection[str]) -> Bound:
    """A layer or call in the long form, whose options were read with their keys."""
    options = dict(label.options)
    key = "out" if isinstance(target, BlockDef) else target.number
    number = options.pop(key, None) if key else None
    mode = options.pop("mode", None)
    for option in options.values():
        if option.key not in fields_of(target):
            known = [*fields_of(target), "repeat", *([key] if key else [])]
            hint = (
                did_you_mean(option.key, known)
                or f"its options are {', '.join(sorted(known))}"
            )
            raise fault(
                "E012",
                f"`{label.word}` has no option `{option.key}`",
                option.span,
                hint,
            )
    word = (
        Word(mode.value.text, mode.span)
        if mode and isinstance(mode.value, Word | Expr)
        else None
    )
    if mode and (
        word is None or not (takes_mode(target, word.text) or word.text in words)
    ):
        said = f"`{word.text}`" if word else "such mode"
        raise fault(
            "E012",
            f"`{label.word}` takes no {said}",
            mode.span,
            mode_hint(target, word.text if word else ""),
        )
    value = number.value if number else None
    if isinstance(value, Expr | Size | Word) or value is None:
        return Bound(label, value, options, word)
    raise fault("E022", f"`{key}` is one number", number.span if number else label.span)
