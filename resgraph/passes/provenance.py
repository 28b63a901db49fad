"""What an op's options were worked out from → where each of them was set, and where the names in it
were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..collecting import each_name, each_text, flatten, without
from ..errors import NOWHERE, Span
from ..graph import Node
from ..language.environment import Environment
from ..language.grammar.expression import Expression, names_in
from ..language.grammar.records import (
    Bound,
    Expr,
    Option,
    PathDef,
    Word,
)
from ..language.grammar.records import Value as Written
from ..language.spec import Spec
from ..ops.base import value_text
from ..structs import Frozen
from .expand.unit import OptionSource

_DEEP = 8  # names that lead to one another


class Setting(Frozen):
    """`name` is `text`, as written at `span`; `NOWHERE` where nobody wrote it."""

    name: str
    text: str
    span: Span
    note: str = ""


class OptionOrigin(Frozen):
    """One option of an op: its value, where it was set, and the names that led to the value, each
    after its reader."""

    key: str
    value: str
    setting: Setting
    names: tuple[Setting, ...] = ()


def options_of(
    spec: Spec, node: Node, source: OptionSource | None
) -> list[OptionOrigin]:
    """The options of a node's op. An op of an equation, which has no source, has none that anybody
    set."""
    if not node.inputs:
        return []
    defaults = spec.defaults.get(node.op.op, {})
    keys = without(node.op.fields(), ("op",))
    found = (_option(node, key, source, defaults) for key in keys)
    return [*filter(None, found)]


def _option(
    node: Node,
    key: str,
    source: OptionSource | None,
    defaults: Mapping[str, Option],
) -> OptionOrigin | None:
    """Where an option was set: in a label, for its op in the file, or by nobody."""
    value = getattr(node.op, key)
    text = _value(value)
    written = _given(source.bound, key, node.op.number) if source else None
    if source and written:
        setting = Setting(
            key, _text(written), written.span, _unit(source, written.span)
        )
        return OptionOrigin(
            key, text, setting, tuple(_names(written, source.env))
        )
    if key in defaults:
        return OptionOrigin(
            key, text, Setting(key, text, defaults[key].span, "`ops:`")
        )
    if value is None or key in node.op.quiet:
        return None
    by_unit = key == "bias" and node.op.word == "conv"
    why = "by the unit" if by_unit else "default"
    return OptionOrigin(key, text, Setting(key, text, NOWHERE, why))


def _value(value: Any) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else value_text(value)
    )


def _given(bound: Bound, key: str, number: str | None) -> Written | None:
    if key == number and bound.number is not None:
        return bound.number
    option = bound.options.get(key)
    value = option.value if option else None
    return None if isinstance(value, PathDef) else value


def _unit(source: OptionSource, span: Span) -> str:
    """The note of what is said in the unit, and not by the layer itself."""
    if not source.unit.span.covers(span):
        return ""
    return f"of the unit `{' '.join(each_text(source.unit.labels))}`"


def _text(written: Written) -> str:
    return (
        written.text
        if isinstance(written, Expr | Word)
        else written_at(written.span)
    )


def written_at(span: Span) -> str:
    """What stands at a place, its first line where there are more."""
    line = span.source.line(span.line)
    if span.on_one_line:
        return line[span.column - 1 : span.end_column - 1]
    return f"{line[span.column - 1 :].rstrip()} …"


def _trees(written: Written) -> Iterator[Expression]:
    if isinstance(written, Expr):
        yield written.tree
    yield from flatten(map(_trees, written.parts))


def _names(
    written: Written, env: Environment, deep: int = _DEEP
) -> Iterator[Setting]:
    """The names that a value reads, each with where it was set, and those that it reads in turn."""
    for tree in _trees(written):
        for name in dict.fromkeys(each_name(names_in(tree))):
            given = env.written(name)
            if given is None or not deep:
                continue
            text, span = _text(given.written), given.written.span
            if given.env is None:
                absent = "none is given, or not to this copy"
                note = absent if name == "stride" else "what flows in"
                yield Setting(name, text, span, note)
            else:
                yield Setting(name, text, span)
                yield from _names(given.written, given.env, deep - 1)
