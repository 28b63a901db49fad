"""An analysis and a place → what an editor shows there: shapes and costs, or what a word means."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..collecting import by_name
from ..errors import Span
from ..graph import Block, Graph, Layer, Path, Stream, total
from ..language.grammar.label import ABOUT_AGAIN, AGAIN
from ..language.grammar.words import ABOUT_STREAMS
from ..language.library import standard_block
from ..language.yaml.tree import KeyValue, Mapping, Tree
from ..ops import VOCABULARY
from ..outputs.numbers import count_text, shape_label
from ..plan import Plan
from ..structs import Frozen
from .analysis import Analysis, covers, entries, entry, trail
from .recipe import about, about_study

_VARIANTS = 12


class InlayHint(Frozen):
    """Text behind a place."""

    place: Span
    text: str
    tooltip: str


def hover(analysis: Analysis, line: int, column: int) -> str:
    """Markdown for a place, counted from 1; "" where there is nothing to say."""
    keys = trail(analysis.tree, line, column)
    if analysis.is_study:
        return about_study(keys)
    plan = analysis.plan
    match keys:
        case ["train", *inner] if inner:
            return about(inner, analysis.tree)
        case ["net", name] if _on_key(analysis, keys, line, column):
            return _row(analysis, name)
    if plan is None or not keys:
        return ""
    if keys[0] in ("output", "aux"):
        word = word_at(analysis, line, column)
        return _row(analysis, word) if word in plan.spec.rows else ""
    found = _scopes_at(plan.graph, analysis.source.name, line, column)
    parts = (
        _scope(plan, found) if found else "",
        _word(analysis, line, column),
    )
    return "\n\n".join(filter(None, parts))


def _on_key(
    analysis: Analysis, keys: list[str], line: int, column: int
) -> bool:
    found = entry(analysis.tree, *keys)
    return found is not None and covers(found.key.span, line, column)


def _row(analysis: Analysis, name: str) -> str:
    """A row in every variant."""
    lines = [
        f"**{name}**",
        "",
        "| | output | params | MACs |",
        "|---|---|---:|---:|",
    ]
    for plan in analysis.plans[:_VARIANTS]:
        rows = (row for row in plan.graph.rows if row.name == name)
        for row in rows:
            cost = total(plan.graph.nodes_of(row))
            shape = _shapes(plan.graph, row)
            lines.append(
                f"| {plan.name} | {shape} | {count_text(cost.params)} | {count_text(cost.macs)} |"
            )
    more = len(analysis.plans) - _VARIANTS
    return (
        "\n".join(lines)
        + (f"\n\nand {more} variants more" if more > 0 else "")
        if len(lines) > 4
        else ""
    )


def _scopes_at(
    graph: Graph, file: str, line: int, column: int
) -> list[Layer | Block]:
    """The layers and calls that were written at a place, those of the smallest span."""
    found: dict[Span, list[Layer | Block]] = {}
    for item in graph.items():
        span = item.origin.span
        if span.source.name == file and covers(span, line, column):
            found.setdefault(span, []).append(item)
    return found[min(found, key=_extent)] if found else []


def _extent(span: Span) -> tuple[int, int]:
    return span.end_line - span.line, span.end_column - span.column


def _scope(plan: Plan, found: list[Layer | Block]) -> str:
    """The first of the layers or calls that a label makes, and the sum of all."""
    graph = plan.graph
    first = found[0]
    begin = (
        graph.nodes[first.nodes[0]].inputs[0]
        if isinstance(first, Layer)
        else first.input
    )
    into = _shape(graph, first.takes, begin)
    cost = total(graph.nodes_of(first))
    whole = total(graph.nodes_of(*found))
    lines = [
        f"**{first.name}** of {plan.name}",
        f"{into} → {_shape(graph, first.gives, first.output)}",
        f"{cost.params:,} params, {cost.macs:,} MACs",
    ]
    if len(found) > 1:
        lines.append(
            f"{len(found)} times in the net: {count_text(whole.params)} params,"
            f" {count_text(whole.macs)} MACs"
        )
    return "  \n".join(lines)


def _shapes(graph: Graph, row: Path) -> str:
    """What a row hands on."""
    return _shape(graph, row.gives, row.output)


def _shape(graph: Graph, streams: Iterable[Stream], alone: str) -> str:
    """Of streams, or of the one node."""
    return _streams(graph, streams) or shape_label(graph.nodes[alone].shape)


def _streams(graph: Graph, streams: Iterable[Stream]) -> str:
    """`a 18 × 56 × 56, b 36 × 28 × 28`; "" of none."""
    return ", ".join(
        f"{each.name} {shape_label(graph.nodes[each.node].shape)}"
        for each in streams
    )


def word_at(analysis: Analysis, line: int, column: int) -> str:
    """The name under a place."""
    words = re.finditer(r"[\w-]+", analysis.source.line(line))
    at = column - 1
    return next(
        (w[0].strip("-") for w in words if w.start() <= at <= w.end()), ""
    )


def _word(analysis: Analysis, line: int, column: int) -> str:
    """What an op, a standard block or a `let` is."""
    word = word_at(analysis, line, column)
    text = analysis.source.line(line)
    if not word:
        return ""
    if let := _let(analysis.tree, trail(analysis.tree, line, column), word):
        return f"`{word} = {let.value.span.written()}`"
    if word == AGAIN and re.search(rf"\b{AGAIN} +\w", text):
        return f"`{AGAIN}`: {ABOUT_AGAIN}"
    return _op(word, text) or _of_library(analysis, word)


def _op(word: str, text: str) -> str:
    """The op of which a word of a label is one."""
    phrases = [p for p in VOCABULARY if word in p.split() and p in text]
    best = max(phrases, key=len, default="")
    return f"`{best}`: {VOCABULARY[best].about()}" if best else ""


def _of_library(analysis: Analysis, word: str) -> str:
    if word in ABOUT_STREAMS:
        return f"`{word}`: {ABOUT_STREAMS[word]}"
    block = standard_block(word)
    if block and word not in entries(analysis.tree, "blocks"):
        return f"`{word}` of the library: {block.about}"
    return ""


def _let(tree: Mapping, keys: list[str], word: str) -> KeyValue | None:
    """The `let` of a name that holds at a place: the innermost."""
    scopes = (keys[:depth] for depth in range(len(keys), -1, -1))
    found = (entry(tree, *scope, "let", word) for scope in scopes)
    return next(filter(None, found), None)


def hints(analysis: Analysis) -> list[InlayHint]:
    """The shape that each row hands on, behind the row."""
    plan = analysis.plan
    out = []
    if plan is None or not analysis.current:
        return []
    rows = by_name(plan.graph.rows)
    for name, found in entries(analysis.tree, "net").items():
        if name in rows:
            shape = _shapes(plan.graph, rows[name])
            variant = f" in {plan.name}" if plan.spec.variants else ""
            tooltip = f"what {name} hands on{variant}"
            out.append(InlayHint(_end(found.value), f"→ {shape}", tooltip))
    return out


def _end(tree: Tree) -> Span:
    """The last place of a value; of a list with dashes, of its last item."""
    while tree.children and not tree.flow:
        tree = tree.children[-1]
    return tree.span
