"""Spec, Graph and a node → where each of its options was set, and where the names in them were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Fault, Span
from ..graph import Block, Graph, Node
from ..language.grammar.binding import bind
from ..language.grammar.expression import Expression, names_in
from ..language.grammar.label import parse_label
from ..language.grammar.parse import Parser
from ..language.grammar.records import (
    BlockDef,
    Bound,
    Expr,
    Inline,
    ItemDef,
    Label,
    ListValue,
    Option,
    PathDef,
    Size,
    UnitDef,
    Word,
)
from ..language.grammar.records import Value as Written
from ..language.grammar.values import words_of
from ..language.spec import Spec
from ..language.yaml.tree import Mapping, Sequence, Tree
from ..ops import VOCABULARY
from ..ops.base import value_text


@dataclass(frozen=True, slots=True)
class Setting:
    """`name` is `text`, as written at `span`; None where nobody wrote it."""

    name: str
    text: str
    span: Span | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class OptionOrigin:
    """One option of an op: its value, where it was set, and the names that led to the value, each
    after its reader."""

    key: str
    value: str
    setting: Setting
    names: tuple[Setting, ...] = ()


def enclosing(graph: Graph, name: str) -> list[Block]:
    """The block calls that a name stands in, the outermost first."""
    return [
        block
        for block in graph.blocks()
        if name == block.name or name.startswith(f"{block.name}.")
    ]


def options_of(spec: Spec, graph: Graph, node: Node) -> list[OptionOrigin]:
    """The options of a node's op. An op of an equation has none that anybody set."""
    tracer = _Tracer(
        spec,
        [
            b
            for b in enclosing(graph, node.name)
            if b.name != node.name or b.origin != node.origin
        ],
    )
    found = tracer.bound(node)
    bound, note = found or (None, "")
    defaults = spec.defaults.get(node.op.op, {})
    out: list[OptionOrigin] = []
    for key in type(node.op).model_fields:
        value = getattr(node.op, key)
        if key == "op" or not node.inputs:
            continue
        written, span = _given(bound, key, node.op.number)
        if written is not None:
            setting = Setting(key, _text(written), span, note)
            out.append(
                OptionOrigin(
                    key,
                    _said(value),
                    setting,
                    tuple(tracer.names(written, len(tracer.calls))),
                )
            )
        elif key in defaults:
            setting = Setting(key, _said(value), defaults[key].span, "`ops:`")
            out.append(OptionOrigin(key, _said(value), setting))
        elif value is not None and key not in node.op.quiet:
            why = (
                "by the unit" if key == "bias" and node.op.word == "conv" else "default"
            )
            out.append(
                OptionOrigin(key, _said(value), Setting(key, _said(value), None, why))
            )
    return out


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else value_text(value)


def _given(
    bound: Bound | None, key: str, number: str | None
) -> tuple[Written | None, Span | None]:
    if bound is None:
        return None, None
    if key == number and bound.number is not None:
        return bound.number, bound.number.span
    option = bound.options.get(key)
    if option is None or isinstance(option.value, PathDef):
        return None, None
    return option.value, option.value.span


def _text(written: Written) -> str:
    return (
        written.text if isinstance(written, Expr | Word) else written_at(written.span)
    )


def written_at(span: Span) -> str:
    """What stands at a place, its first line where there are more."""
    line = span.source.line(span.line)
    if span.end_line == span.line:
        return line[span.column - 1 : span.end_column - 1]
    return f"{line[span.column - 1 :].rstrip()} …"


def _trees(written: Written) -> Iterator[Expression]:
    if isinstance(written, Expr):
        yield written.tree
    elif isinstance(written, Size):
        yield written.down.tree
        if written.across is not None:
            yield written.across.tree
    elif isinstance(written, ListValue):
        for item in written.items:
            yield from _trees(item)


def _maps(tree: Tree) -> Iterator[Mapping]:
    stack = [tree]
    while stack:
        top = stack.pop()
        if isinstance(top, Mapping):
            yield top
            stack += [entry.value for entry in top.entries.values()]
        elif isinstance(top, Sequence):
            stack += top.items


class _Tracer:
    """The calls that lead to a place, read again for what each of them says."""

    def __init__(self, spec: Spec, calls: list[Block]) -> None:
        self.spec, self.calls = spec, calls
        # what is written in the long form
        self.maps = {tree.span: tree for tree in _maps(spec.tree)}

    def definition(self, level: int) -> BlockDef | None:
        """The block whose body is at `level`, by name or written where it is called; None for the
        rows."""
        call = self.calls[level - 1] if level else None
        if call is None or call.block:
            return self.spec.block(call.block) if call else None
        item = self.item(call.origin.span, level - 1)
        return item.block if isinstance(item, Inline) else None

    def words(self, level: int) -> frozenset[str]:
        definition = self.definition(level)
        return (
            self.spec.words | words_of(definition.lets)
            if definition
            else self.spec.words
        )

    def bound(self, node: Node) -> tuple[Bound, str] | None:
        """The label that made a node: its own, or that of its word in the unit."""
        level = len(self.calls)
        label = self.label(node.origin.span, level)
        cls = type(node.op)
        if label is not None:
            word = self.word(label.word, level)
            if word == node.op.op:
                return bind(replace(label, word=word), cls, self.words(level)), ""
        definition = self.definition(level)
        unit: UnitDef = (definition.unit if definition else None) or self.spec.unit
        for part in unit.labels:
            if self.word(part.word, level) == node.op.op:
                text = " ".join(p.text for p in unit.labels)
                return (
                    bind(replace(part, word=node.op.op), cls, self.words(level)),
                    f"of the unit `{text}`",
                )
        return None

    def item(self, span: Span, level: int) -> ItemDef | None:
        """What is written at a place, read again; None where it is an equation."""
        if span in self.maps:
            return Parser(self.words(level), []).mapping_item(self.maps[span])
        if span.end_line != span.line:
            return None
        try:
            return parse_label(written_at(span), span, self.words(level))
        except Fault:
            return None

    def label(self, span: Span, level: int) -> Label | None:
        """The label at a place, in either form."""
        item = self.item(span, level)
        return item if isinstance(item, Label) else None

    def word(self, word: str, level: int) -> str:
        if word in VOCABULARY or self.spec.block(word):
            return word
        while (found := self.find(word, level)) is not None and isinstance(
            found[1], Expr | Word
        ):
            level, word = found[0], found[1].text
        return word

    def names(self, written: Written, level: int, deep: int = 8) -> Iterator[Setting]:
        """The names that a value reads, each with where it was set, and those that it reads in
        turn."""
        for tree in _trees(written):
            for name in dict.fromkeys(name.name for name in names_in(tree)):
                yield from self.name(name, level, deep)

    def name(self, name: str, level: int, deep: int) -> Iterator[Setting]:
        if level and name in ("in", "out", "stride") and self.find(name, level) is None:
            call = self.calls[level - 1]
            value = {
                "in": str(call.into),
                "out": str(call.out),
                "stride": value_text(call.stride),
            }[name]
            note = (
                "what flows in"
                if name != "stride"
                else "none is given, or not to this copy"
            )
            yield Setting(name, value, call.origin.span, note)
            return
        found = self.find(name, level)
        if found is None or not deep:
            return
        at, value_ = found
        yield Setting(name, _text(value_), value_.span)
        yield from self.names(value_, at, deep - 1)

    def find(self, name: str, level: int) -> tuple[int, Written] | None:
        """The value of a name seen from `level`, and the level at which that value's own names are
        read."""
        definition = self.definition(level)
        if level:
            given = self.call(level)
            if given is not None:
                key = "stride" if name == "stride" else name
                if name == "out" and given.number is not None:
                    return level - 1, given.number
                option = given.options.get(key)
                first = key != "stride" or self.calls[level - 1].stride != (1, 1)
                if (
                    option is not None
                    and first
                    and not isinstance(option.value, PathDef)
                ):
                    return level - 1, option.value
            if definition is not None and name in definition.lets:
                return level, definition.lets[name]
            if definition is not None and definition.library:
                return None
        return (0, self.spec.lets[name]) if name in self.spec.lets else None

    def call(self, level: int) -> Bound | None:
        """What the call of the block at `level` says."""
        definition, call = self.definition(level), self.calls[level - 1]
        item = self.item(call.origin.span, level - 1)
        if isinstance(item, Inline):
            options = (
                {"stride": Option("stride", item.stride.span, item.stride)}
                if item.stride
                else {}
            )
            return Bound(Label("", item.span, "", item.span), item.out, options, None)
        if definition is None or item is None:
            return None
        return bind(
            replace(item, word=definition.name), definition, self.words(level - 1)
        )
