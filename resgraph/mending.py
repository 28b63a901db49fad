"""Diagnostics of a text → those of their edits that are sure to mend it, each tried; edits and a text → the mended text.

An edit holds if the text with it has one mistake less and no new one, and if it loses no word or number but the wrong
one. Where a mistake hid others that are as certain to mend, its edits come with theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from .checked import check_nets
from .errors import Diagnostic, Edit, Source, Span, in_order

MOST_TRIED = 24
"""Mistakes of one text whose edits are tried: each means checking the text again."""

_ROUNDS = 4  # mistakes that hid one another
_TOKEN = re.compile(r"[0-9]+|[A-Za-z]+")

Check = Callable[[Source], Sequence[Diagnostic]]
Place = tuple[str, str, str, int, int]


def checker(path: Path, overrides: tuple[str, ...] = (), allow_outside: bool = False) -> Check:
    """What is wrong with a text that is to stand at `path`, in any of its variants."""

    def errors_of(source: Source) -> list[Diagnostic]:
        nets = check_nets(str(path), overrides, allow_outside, source)
        return [d for d in in_order(d for net in nets for d in net.problems) if d.severity == "error"]

    return errors_of


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


def verified(found: Sequence[Diagnostic], source: Source, check: Check) -> list[Diagnostic]:
    """The same diagnostics, of whose edits only those are left that hold in this text; `found` are all its mistakes."""
    tries = 0
    out: list[Diagnostic] = []
    for problem in found:
        if problem.edits:
            tries += 1
            edits = _holding(problem, found, source, check) if tries <= MOST_TRIED else ()
            problem = replace(problem, edits=edits)
        out.append(problem)
    return out


def _holding(problem: Diagnostic, before: Sequence[Diagnostic], source: Source, check: Check) -> tuple[Edit, ...]:
    """The edits that take a mistake away and bring no other; none where there are no such."""
    known = {_place(d, []) for d in before}
    edits = list(problem.edits)
    for _ in range(_ROUNDS):
        if not all(_of_source(edit.span, source) and _keeps(edit, problem) for edit in edits):
            return ()
        text = Source(source.name, mended(source, edits))
        after = check(text)
        if _place(problem, []) in {_place(d, edits) for d in after}:
            return ()
        new = [d for d in after if _place(d, edits) not in known]
        if not new:
            return tuple(edits)
        more = [edit and Edit(span, edit.text) for d in new for edit in d.edits if (span := _back(edit.span, edits))]
        if not more or not all(d.edits for d in new):
            return ()
        problem = replace(problem, names=problem.names)
        edits += more
    return ()
