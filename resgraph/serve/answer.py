"""The text of a spec in the editor → what the page shows: figure, table, source, shapes by line,
mistakes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

from ..errors import Diagnostic, ResgraphError, SpecError
from ..graph import Graph
from ..language.extends import read_source
from ..language.spec import parse_spec
from ..language.variants import variants_of
from ..language.yaml.reader import decode
from ..language.yaml.tree import Mapping
from ..outputs.figure.content.builder import View
from ..outputs.figure.render import unfinished
from ..outputs.numbers import count_text, shape_label
from ..passes.expand import expand
from ..passes.lint import lint
from ..plan import Plan, planned
from ..structs import Frozen
from .places import places, utf16

_ID = re.compile(r' id="([^"]*)"')
Pane = Literal["figure", "table", "source"]
_TEXTS = {"table": Plan.table, "source": Plan.source}
"""The panes whose text is made when their tab shows it."""


class Question(Frozen):
    """What the page asks: a text, which variant of it, how to draw it, and which pane it shows."""

    text: str
    variant: str | None = None
    view: View = "auto"
    theme: Literal["light", "dark"] = "light"
    pane: Pane = "figure"


def answer(question: Question, path: Path) -> dict[str, Any]:
    """Plain data for the page. Never raises for what the text says: mistakes are part of the
    answer."""
    variants: list[str] = []
    try:
        source = decode(
            question.text.encode("utf-8", "surrogatepass"), path.name
        )
        tree, errors = read_source(source, path)
        variants = variants_of(tree)
        variant = (
            question.variant
            if question.variant in variants
            else next(iter(variants), None)
        )
        spec = parse_spec(tree, errors, variant)
    except SpecError as problem:
        return _wrong(problem.diagnostics, variants)
    except (ResgraphError, UnicodeEncodeError) as problem:
        return {
            "ok": False,
            "variants": variants,
            "diagnostics": [_diagnostic(Diagnostic("E001", str(problem)))],
        }
    made = expand(spec)
    if wrong := made.diagnostics:
        # what holds together is drawn, with the broken join in red
        svg = unfinished(made, wrong[0], question.view, question.theme)
        shown = _wrong(wrong, variants) | {"svg": svg}
    else:
        plan = planned(made, strict=False)
        shown = _right(plan, question) | {"rows": _rows(tree, plan.graph)}
        shown |= {"ok": True, "variants": variants, "variant": variant}
    found = _places(tree, made.graph, shown["svg"]) if made.graph else {}
    return shown | {"places": found}


def _right(plan: Plan, question: Question) -> dict[str, Any]:
    """A net with nothing wrong: its warnings, picture and costs, and the text of the pane that
    shows."""
    found = [*plan.unused, *plan.unmet(), *lint(plan.spec, plan.graph)]
    pane = question.pane
    texts = {pane: _TEXTS[pane](plan)} if pane in _TEXTS else {}
    return texts | {
        "diagnostics": [*map(_diagnostic, found)],
        "svg": plan.svg(view=question.view, theme=question.theme),
        "facts": (
            f"{plan.name} · {count_text(plan.params)} params · {count_text(plan.macs)} MACs · depth"
            f" {plan.depth}"
        ),
    }


def _wrong(
    problems: Sequence[Diagnostic], variants: list[str]
) -> dict[str, Any]:
    return {
        "ok": False,
        "variants": variants,
        "diagnostics": [*map(_diagnostic, problems)],
    }


def _places(tree: Mapping, graph: Graph, svg: str) -> dict[str, Any]:
    """Where what the figure shows was written."""
    drawn = set(_ID.findall(svg))
    return {
        name: [phrase.as_data() for phrase in found]
        for name, found in places(tree, graph)
        if escape(name) in drawn and found
    }


def _rows(tree: Mapping, graph: Graph) -> list[dict[str, Any]]:
    """The line of each row in the text, and the shape that the row hands on."""
    net = tree.entries["net"].value
    assert isinstance(net, Mapping)
    return [
        {
            "name": row.word,
            "line": net.entries[row.word].key.span.line,
            "shape": shape_label(graph.nodes[row.output].shape),
        }
        for row in graph.rows
        if net.entries[row.word].key.span.source.name
        == tree.span.source.name
    ]


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    """A mistake with its place in the editor, in columns of UTF-16; one that has none there stands
    on the first line."""
    span = diagnostic.span
    line = span.source.line(span.line)
    end = span.end_column if span.on_one_line else len(line) + 1
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "line": span.line,
        "column": utf16(line, span.column),
        "end": utf16(line, end),
        "file": span.source.name,
    }
