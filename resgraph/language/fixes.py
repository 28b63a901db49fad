"""A diagnostic → the edits that would mend it, where there is one certain way; edits and a text → the mended text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import Diagnostic, Source, Span
from .mistakes import number_meant


@dataclass(frozen=True, slots=True)
class Edit:
    """Other characters for a span."""

    span: Span
    text: str


def fixes(diagnostic: Diagnostic) -> list[Edit]:
    """What could stand in the place of the mistake, the likeliest first; nothing where it takes a person to know.

    Whether an edit does mend the mistake shows when the text is checked again.
    """
    find = FIXES.get(diagnostic.code)
    span = diagnostic.span
    if find is None or span is None or span.line != span.end_line:
        return []
    return find(diagnostic, span)


def written(span: Span) -> str:
    """The characters of a span on one line."""
    return span.source.line(span.line)[span.column - 1 : span.end_column - 1]


def mended(source: Source, edits: Iterable[Edit]) -> str:
    """The text with edits made; of two that overlap, the first in the text."""
    lines = source.text.split("\n")
    free: dict[int, int] = {}
    for edit in sorted(edits, key=lambda e: (e.span.line, e.span.column), reverse=True):
        span = edit.span
        if span.end_column > free.get(span.line, span.end_column):
            continue
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + edit.text + line[span.end_column - 1 :]
        free[span.line] = span.column
    return "\n".join(lines)


def _said(diagnostic: Diagnostic, span: Span) -> list[Edit]:
    """``did you mean `groups`?`` or ``write `none` ``, in the diagnostic's own words."""
    found = re.match(r"(?:did you mean|write) `([^`…]+)`(?:\?|,|$)", diagnostic.help)
    if not found:
        return []
    edits = [Edit(span, found[1])]
    words = found[1].count(" ")
    rest = re.match(rf"(?: +[A-Za-z]+){{{words}}}", span.source.line(span.line)[span.end_column - 1 :])
    if words and rest:  # of `max pol`, the first word has the place
        longer = Span(span.source, span.line, span.column, span.line, span.end_column + rest.end())
        edits.insert(0, Edit(longer, found[1]))
    return edits


def _without_spaces(diagnostic: Diagnostic, span: Span) -> list[Edit]:
    return [Edit(span, "".join(written(span).split()))]


def _stride(diagnostic: Diagnostic, span: Span) -> list[Edit]:
    return [Edit(span, written(span).replace("/", " /", 1))]


def _without_commas(diagnostic: Diagnostic, span: Span) -> list[Edit]:
    """A label without its commas, a fraction with a dot; what `64,000` means is not certain."""
    if not diagnostic.message.startswith("a comma"):
        return []
    return _said(diagnostic, span) or (
        [] if number_meant(written(span)) else [Edit(span, " ".join(written(span).replace(",", " ").split()))]
    )


FIXES: dict[str, Callable[[Diagnostic, Span], list[Edit]]] = {
    "E003": _said,  # `reps[0]`
    "E008": _said,  # `null`
    "E009": _without_commas,
    "E011": _said,
    "E012": _said,
    "E014": _without_spaces,
    "E015": _stride,
    "E020": _said,
    "E022": _said,
    "E030": _said,
}
"""Codes that can have a certain fix, and what finds it."""
