"""A spec's text → the same spec in one style: labels in their canonical order, or all items in the
long or short form.

Only items are rewritten, each in its place; comments, blank lines and everything else stay as they
are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Literal

from ..errors import Fault, Source, Span
from ..ops import VOCABULARY
from ..structs import Frozen
from .diagnose.option import bind
from .extends import read_text
from .grammar.label import AGAIN, parse_again
from .grammar.log import Log
from .grammar.own import Words, is_block, is_own, own_names
from .grammar.parse import Parser
from .grammar.records import (
    Again,
    BlockDef,
    Bound,
    EdgeList,
    Expr,
    Label,
    ListValue,
    PathDef,
    Sizes,
    Value,
    Word,
)
from .grammar.targets import Target
from .grammar.values import word_lets
from .grammar.words import BLOCK_KEYS, POLICIES
from .library import library_index, standard_block
from .yaml.tree import (
    Mapping,
    Scalar,
    Tree,
    each_of,
    entries_of,
    mapping_at,
)

Form = Literal["keep", "long", "short"]
_QUOTES = ("'", '"')


class _Edit(Frozen):
    start: int
    end: int
    text: str


def reformat(source: Source, form: Form = "keep") -> str:
    """The text in one style. Raises `SpecError` where it is not YAML; what is no label is left
    alone."""
    tree, _ = read_text(source)
    text = source.text
    for edit in sorted(
        _Formatter(source, tree, form).edits(),
        key=attrgetter("start"),
        reverse=True,
    ):
        text = text[: edit.start] + edit.text + text[edit.end :]
    lines = [
        line.rstrip() for line in text.replace("\r\n", "\n").split("\n")
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


class _Formatter:
    def __init__(self, source: Source, tree: Mapping, form: Form) -> None:
        self.source = source
        self.tree = tree
        self.form = form
        self.starts = [0]
        for line in source.text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        definitions = entries_of(tree, "blocks")
        names = Words(definitions, own_names(tree)) | library_index().keys()
        quiet = Parser(names, Log())
        self.lets = quiet.lets(mapping_at(tree, "let"))
        self.parser = Parser(names | word_lets(self.lets), Log())
        self.blocks = {
            n: self.parser.block(n, e.value, e.key.span)
            for n, e in definitions.items()
        }

    def edits(self) -> Iterator[_Edit]:
        for entry in entries_of(self.tree, "net").values():
            yield from self.path(entry.value, self.parser, self.lets)
        for name, entry in entries_of(self.tree, "blocks").items():
            yield from self.block(entry.value, self.blocks[name])
        variants = entries_of(self.tree, "variants").values()
        for holder in (self.tree, *(entry.value for entry in variants)):
            yield from self.shortcut(holder, self.parser, self.lets)

    def block(self, tree: Tree, block: BlockDef) -> Iterator[_Edit]:
        lets = {**self.lets, **block.lets}
        parser = Parser(self.parser.words | word_lets(block.lets), Log())
        if not is_block(tree):
            yield from self.path(tree, parser, lets)
            return
        yield from self.shortcut(tree, parser, lets)
        for key, entry in tree.entries.items():
            if key not in BLOCK_KEYS - {"merge"} or key in block.paths:
                yield from self.path(entry.value, parser, lets)

    def shortcut(
        self, tree: Tree, parser: Parser, lets: dict[str, Value]
    ) -> Iterator[_Edit]:
        """The path under `shortcut` of a file, a variant, a block or a call; a policy is none."""
        entry = tree.entries.get("shortcut")
        if entry and entry.value.text.strip() not in {*POLICIES, *lets}:
            yield from self.path(entry.value, parser, lets)

    def path(
        self, tree: Tree, parser: Parser, lets: dict[str, Value]
    ) -> Iterator[_Edit]:
        for item in each_of(tree):
            again = self.again(item, parser)
            if again:
                yield from self.repeated(item, again)
                continue
            if is_block(item):
                inline = parser.block("", item, item.span)
                yield from self.block(item, inline)
                continue
            yield from self.shortcut(item, parser, lets)
            try:
                label = parser.item(item, first=True)
                bound = (
                    self.bound(label, lets)
                    if isinstance(label, Label)
                    else None
                )
            except Fault:
                continue
            if bound is not None:
                yield from self.item(
                    item, bound, parser.words | word_lets(lets)
                )

    def again(self, tree: Tree, parser: Parser) -> Again | None:
        """`again NAME` in either form."""
        try:
            if isinstance(tree, Mapping):
                return parser.again(tree)
            if isinstance(tree.value, str):
                return parse_again(
                    tree.text.strip(), tree.span, parser.words
                )
        except Fault:
            pass
        return None

    def repeated(self, tree: Tree, again: Again) -> Iterator[_Edit]:
        """`3 x again r`, or `{again: r, repeat: 3}`."""
        name = again.first + (
            f"..{again.last}" if again.last != again.first else ""
        )
        count = value_form(again.repeat) if again.repeat else ""
        short = f"{count} x {AGAIN} {name}" if count else f"{AGAIN} {name}"
        long = f"{{{AGAIN}: {name}{f', repeat: {count}' if count else ''}}}"
        return self.rewritten(tree, long if self.form == "long" else short)

    def rewritten(self, tree: Tree, text: str) -> Iterator[_Edit]:
        """An item in the form that is asked for; a mapping only becomes a label, and a comment in
        it keeps it as it is, as `|` and `>` keep a text."""
        start, end = self.offsets(tree.span)
        if isinstance(tree, Scalar):
            quotes = not tree.plain
            if tree.plain or self.source.text[start - 1] in _QUOTES:
                yield _Edit(start - quotes, end + quotes, text)
        elif (
            self.form == "short" and "#" not in self.source.text[start:end]
        ):
            yield (
                _Edit(start, end, text)
                if tree.flow
                else self.on_one_line(start, end, text)
            )

    def on_one_line(self, start: int, end: int, text: str) -> _Edit:
        """A label for a mapping over several lines: behind its key, where one stands."""
        written = self.source.text
        # the place of a mapping ends with the text in its last quotes
        end += written[end : end + 1] in _QUOTES
        before = written[:start].rstrip()
        return (
            _Edit(len(before), end, f" {text}")
            if before.endswith(":")
            else _Edit(start, end, text)
        )

    def bound(self, label: Label, lets: dict[str, Value]) -> Bound | None:
        """The label with its options, where its word is known without the graph."""
        target, value = self.target(label.word), lets.get(label.word)
        if target is None and isinstance(value, Word):
            target = self.target(value.text)
        return (
            bind(label, target, self.parser.words | word_lets(lets))
            if target
            else None
        )

    def target(self, word: str) -> Target | None:
        own = is_own(word, self.parser.words)
        return (
            self.blocks.get(word)
            or (None if own else VOCABULARY.get(word))
            or standard_block(word)
        )

    def item(
        self, tree: Tree, bound: Bound, words: frozenset[str]
    ) -> Iterator[_Edit]:
        if isinstance(tree, Scalar) or _sayable(bound, words):
            text = (
                long_form(bound, words)
                if self.form == "long"
                else short_form(bound)
            )
            yield from self.rewritten(tree, text)

    def offsets(self, span: Span) -> tuple[int, int]:
        return (
            self.starts[span.line - 1] + span.column - 1,
            self.starts[span.end_line - 1] + span.end_column - 1,
        )


def _sayable(bound: Bound, words: frozenset[str]) -> bool:
    """Whether a label can say it: not a path as a call's shortcut, nor a `let` of a word as a
    number (it is a mode)."""
    name = value_form(bound.number) if bound.number is not None else ""
    return name not in words and not any(
        isinstance(option.value, PathDef)
        for option in bound.options.values()
    )


def value_form(value: Value) -> str:
    """A value as it was written, without commas, which would end it in a flow list."""
    if isinstance(value, EdgeList):
        return label_form(value)
    if isinstance(value, Expr | Word):
        return " ".join(value.text.replace(",", " ").split())
    if isinstance(value, Sizes):
        return "x".join(map(value_form, value.axes))
    return "[" + ", ".join(map(value_form, value.items)) + "]"


def label_form(value: Value) -> str:
    """A value as a label has it: the list of a pad is `2x0:1` there."""
    if not isinstance(value, ListValue):
        return value_form(value)
    return "x".join(map(_edge_form, value.items))


def _edge_form(axis: Value) -> str:
    sides = axis.items if isinstance(axis, ListValue) else (axis,)
    return ":".join(map(value_form, sides))


def short_form(bound: Bound) -> str:
    """`3 x 3x3 conv 64 /2 linear groups 32`: repeat, kernel, word, number, stride, mode, flags,
    keys."""
    label = bound.label
    options = _options(bound)
    parts = [f"{value_form(label.repeat)} x"] if label.repeat else []
    kernel = options.get("kernel")
    if isinstance(kernel, Sizes | ListValue):
        parts.append("x".join(map(value_form, kernel.parts)))
        del options["kernel"]
    parts.append(label.word)
    if bound.number is not None:
        parts.append(label_form(bound.number))
    if "stride" in options:
        parts.append(f"/{label_form(options.pop('stride'))}")
    if bound.mode:
        parts.append(bound.mode.text)
    for key, value in options.items():
        flag = isinstance(value, Word) and value.text == "true"
        parts.append(key if flag else f"{key} {label_form(value)}")
    return " ".join(parts)


def long_form(bound: Bound, words: frozenset[str] = frozenset()) -> str:
    """`{op: conv, repeat: 3, kernel: 3x3, width: 64, stride: 2, mode: linear, groups: 32}`."""
    label = bound.label
    options = _options(bound)
    layer = (
        None if is_own(label.word, words) else VOCABULARY.get(label.word)
    )
    number = (layer.number if layer else "out") or "number"
    values: dict[str, Value | None] = {
        "repeat": label.repeat,
        "kernel": _listed_if_one(options.pop("kernel", None)),
        number: bound.number,
        "stride": options.pop("stride", None),
        "mode": bound.mode,
        **options,
    }
    pairs = [f"{'op' if layer else 'block'}: {label.word}"]
    pairs += [
        f"{key}: {_quoted(value_form(v))}" for key, v in values.items() if v
    ]
    return "{" + ", ".join(pairs) + "}"


def _listed_if_one(kernel: Value | None) -> Value | None:
    """A kernel along one axis as a list, since a number alone would be one along every axis."""
    if isinstance(kernel, Sizes) and len(kernel.axes) == 1:
        return ListValue(kernel.axes, kernel.span)
    return kernel


def _options(bound: Bound) -> dict[str, Value]:
    """What a label can say of the options: all but a path."""
    options = bound.options.items()
    return {
        key: o.value
        for key, o in options
        if not isinstance(o.value, PathDef)
    }


def _quoted(text: str) -> str:
    """To YAML `0x2`, no cells down and two across, is a number in base sixteen, and `1:2` one in
    base sixty."""
    if ":" in text:
        return f'"{text}"'
    return re.sub(r"\b0x\d+\b", r'"\g<0>"', text)
