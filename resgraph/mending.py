"""Diagnostics of a text → the same with those of their edits that do mend it, each tried; edits →
the mended text.

An edit holds if the text with it has one mistake less and no new one, and if it loses no word or
number but the wrong one. Where a mistake hid others that are as certain to mend, its edits come
with theirs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from operator import attrgetter
from pathlib import Path

from msgspec.structs import replace

from .checked import check_nets
from .collecting import by_key, flatten
from .errors import NOWHERE, Diagnostic, Edit, Source, Span, in_order

MOST_TRIED = 24
"""Mistakes of one text whose edits are tried: each means checking the text again."""

_ROUNDS = 4  # mistakes that hid one another
# a mistake can hide others, and only so many are tried at once
_PASSES = 100
_NUMBER = re.compile(r"(?<![A-Za-z_0-9])0*([0-9]+)")
_WORD = re.compile(r"[A-Za-z]+")

Check = Callable[[Source], Sequence[Diagnostic]]
_Place = tuple[str, str, str, int, int]


def checker(
    path: Path, overrides: tuple[str, ...] = (), allow_outside: bool = False
) -> Check:
    """What is wrong with a text that is to stand at `path`, in any of its variants."""

    def errors_of(source: Source) -> list[Diagnostic]:
        nets = check_nets(str(path), overrides, allow_outside, source)
        return [
            d
            for d in in_order(flatten(net.problems for net in nets))
            if d.severity == "error"
        ]

    return errors_of


def mended(source: Source, edits: Iterable[Edit]) -> str:
    """The text with edits made; of two that overlap, the first in the text."""
    lines = source.text.split("\n")
    free: dict[int, int] = {}
    for edit in sorted(edits, key=attrgetter("span.start"), reverse=True):
        span = edit.span
        if span.end_column > free.get(span.line, span.end_column):
            continue
        line = lines[span.line - 1]
        lines[span.line - 1] = (
            line[: span.column - 1]
            + edit.text
            + line[span.end_column - 1 :]
        )
        free[span.line] = span.column
    return "\n".join(lines)


def mend(source: Source, check: Check) -> Source:
    """The text with every mistake mended whose edits hold."""
    for _ in range(_PASSES):
        if not (
            better := _better(
                source, verified(check(source), source, check), check
            )
        ):
            break
        source = better
    return source


def _better(
    source: Source, found: Sequence[Diagnostic], check: Check
) -> Source | None:
    """The text with all that can be mended, if that leaves fewer mistakes; else with the first of
    it."""
    mending = [d.edits for d in found if d.edits]
    if not mending:
        return None
    whole = Source(source.name, mended(source, flatten(mending)))
    if len(mending) > 1 and len(check(whole)) <= len(found) - len(mending):
        return whole
    return Source(source.name, mended(source, mending[0]))


def examine(text: str, path: Path = Path("spec.yaml")) -> list[Diagnostic]:
    """The mistakes of a text that is to stand at `path`, each with its edits where they are
    verified."""
    source, check = Source(str(path), text), checker(path)
    return verified(check(source), source, check)


def verified(
    found: Iterable[Diagnostic], source: Source, check: Check
) -> list[Diagnostic]:
    """The same diagnostics, of whose edits only those are left that hold in this text.

    `check` says all that is wrong with a text in place of `source`, of which `found` may be a part.
    """
    tries, before = 0, None
    out: list[Diagnostic] = []
    for problem in found:
        if problem.edits:
            before = check(source) if before is None else before
            tries += 1
            edits = (
                _holding(problem, before, source, check)
                if tries <= MOST_TRIED
                else ()
            )
            problem = replace(problem, edits=edits)
        out.append(problem)
    return out


def verified_in(
    found: Iterable[Diagnostic],
    files: Mapping[Path, tuple[str, ...]],
    allow_outside: bool = False,
) -> list[Diagnostic]:
    """The same of several files, each with what overrides it; edits of other files than these are
    left out."""
    checks = {
        str(path): checker(path, overrides, allow_outside)
        for path, overrides in files.items()
    }
    out = list(found)
    of_file = by_key(
        (d.edits[0].span.source.name, d) for d in out if d.edits
    )
    held: dict[int, Diagnostic] = {}
    for name, mine in of_file.items():
        good = [replace(problem, edits=()) for problem in mine]
        if check := checks.get(name):
            good = verified(mine, mine[0].edits[0].span.source, check)
        held |= {
            id(problem): now
            for problem, now in zip(mine, good, strict=True)
        }
    return [held.get(id(problem), problem) for problem in out]


def _holding(
    problem: Diagnostic,
    before: Sequence[Diagnostic],
    source: Source,
    check: Check,
) -> tuple[Edit, ...]:
    """The edits that take a mistake away and bring no other; none where there are no such."""
    known = {_place(d, ()) for d in before}
    edits, owners = list(problem.edits), [problem] * len(problem.edits)
    for _ in range(_ROUNDS):
        if not all(map(partial(_keeps, source), edits, owners)):
            return ()
        after = check(
            Source(source.name, mended(source, edits), source.ours)
        )
        places = {_place(d, edits): d for d in after}
        if _place(problem, ()) in places:
            return ()
        hidden = [d for place, d in places.items() if place not in known]
        if not hidden:
            return tuple(edits)
        back = [_all_back(other, edits) for other in hidden]
        if not all(back):
            # nothing of a text can be told before its indentation is read
            return problem.edits if _of_blanks(problem.edits) else ()
        edits = sum(back, edits)
        for other in hidden:
            owners += [replace(other, span=NOWHERE)] * len(other.edits)
    return ()


def _of_blanks(edits: Iterable[Edit]) -> bool:
    """Whether edits write spaces for tabs, and nothing else."""
    return not any(
        e.span.written().strip() or e.text.strip() for e in edits
    )


def _all_back(problem: Diagnostic, edits: Sequence[Edit]) -> list[Edit]:
    """The edits of a mistake of the edited text, in the text as it was; none if not all are."""
    back = [_back(edit, edits) for edit in problem.edits]
    return [*filter(None, back)] if all(back) else []


def _keeps(source: Source, edit: Edit, problem: Diagnostic) -> bool:
    """Whether an edit is of this text, and every number, and every word but the wrong one, is still
    there."""
    if edit.span.source.name != source.name:
        return False
    old, new = edit.span.written(), edit.text
    numbers = Counter(_NUMBER.findall(old))
    if numbers - Counter(
        number.lstrip("0") or "0" for number in re.findall("[0-9]+", new)
    ):
        return False
    outside = old
    wrong = problem.span
    if not _overlap(edit.span, wrong):
        outside = ""  # what is edited is the mistake, wherever it shows
    elif wrong.on_one_line:
        start, end = (
            max(0, column - edit.span.column)
            for column in (wrong.column, wrong.end_column)
        )
        outside = f"{old[:start]} {old[end:]}"
    words = _WORD.findall(new)
    return all(
        word in new or get_close_matches(word, words)
        for word in _WORD.findall(outside)
    )


def _overlap(one: Span, other: Span) -> bool:
    return bool(other) and one.start < other.end and other.start < one.end


def _place(problem: Diagnostic, edits: Iterable[Edit]) -> _Place:
    """What tells a mistake in the text with edits from others: its place in the text without
    them."""
    name, line = problem.span.source.name, problem.span.line
    column = _column(
        line,
        problem.span.column,
        [e for e in edits if e.span.source.name == name],
    )
    return problem.code, problem.about, name, line, column or 0


def _column(line: int, column: int, edits: Iterable[Edit]) -> int | None:
    """A column of the text with edits in that without; None within what an edit has written."""
    moved = 0
    for edit in sorted(
        (e for e in edits if e.span.line == line),
        key=attrgetter("span.column"),
    ):
        start = edit.span.column + moved
        if column < start:
            break
        if column < start + len(edit.text):
            return None
        moved += len(edit.text) - (edit.span.end_column - edit.span.column)
    return column - moved


def _back(edit: Edit, edits: Sequence[Edit]) -> Edit | None:
    """An edit of the text with edits as one of the text without; None where they meet."""
    span = edit.span
    start, last = (
        _column(span.line, column, edits)
        for column in (span.column, max(span.column, span.end_column - 1))
    )
    if (
        start is None
        or last is None
        or last - start != max(0, span.end_column - 1 - span.column)
    ):
        return None
    source = edits[0].span.source
    return Edit(
        Span(
            source,
            span.line,
            start,
            span.line,
            start + span.end_column - span.column,
        ),
        edit.text,
    )
