"""Everything that can go wrong → one tree of exceptions, and one record (`Diagnostic`) for each
mistake in a spec.

ResgraphError                     exit
├── SpecError                     1     the spec is wrong: one or more diagnostics, each with its
place
├── UsageError                    2     the command or the call is wrong
├── TrainingError                 3     NaN, out of memory, bad data
├── MissingError                  4     something is missing from the environment (torch, CUDA, dot)
└── RunError                      5     the checkpoint or the run directory is unusable
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import ClassVar, Literal

from msgspec.structs import replace

from .structs import Frozen

Severity = Literal["error", "warning"]
MOST_TOLD = 50
"""Mistakes of one spec that are told: more would not be read."""

OVERRIDE = "--set"
"""The name of a source that was said by this option."""

_LONGEST = 400  # characters of a message
_WIDEST = 160  # characters of a line that a frame shows


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return text.split("\n")


class Source(Frozen):
    """A text that was read, with the name by which its reader knows it."""

    name: str
    text: str
    # it came with resgraph: a user's mistake that shows here was made elsewhere
    ours: bool = False
    # what holds where a spec says nothing: its name says of what
    default: bool = False

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @property
    def is_override(self) -> bool:
        """Whether it was said on the command line and not in a file."""
        return self.name == OVERRIDE

    def line(self, number: int) -> str:
        """Line `number`, counted from 1, without its end."""
        lines = _lines(self.text)
        return (
            lines[number - 1].rstrip("\r")
            if 1 <= number <= len(lines)
            else ""
        )


class Span(Frozen):
    """A stretch of a source: lines and columns count from 1, the end column is one past the last
    character."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def __bool__(self) -> bool:
        """Whether it is somewhere."""
        return self is not NOWHERE

    @property
    def start(self) -> tuple[int, int]:
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        return self.end_line, self.end_column

    @property
    def on_one_line(self) -> bool:
        return self.line == self.end_line

    def covers(self, other: Span) -> bool:
        """Whether another span begins within this one."""
        same = self.source.name == other.source.name
        return same and self.start <= other.start < self.end

    def written(self) -> str:
        """Its characters, of a span on one line."""
        return self.source.line(self.line)[
            self.column - 1 : self.end_column - 1
        ]

    def to(self, last: Span) -> Span:
        """From its first character to the last of another."""
        return replace(
            self, end_line=last.end_line, end_column=last.end_column
        )

    def part(self, start: int, end: int) -> Span:
        """Characters `start` to `end` of this span, counted from its first; the whole where it runs
        over lines."""
        if self.line != self.end_line:
            return self
        return Span(
            self.source,
            self.line,
            self.column + start,
            self.line,
            self.column + max(end, start + 1),
        )


NOWHERE = Span(Source("", ""), 1, 1, 1, 1)
"""The place of what has none: first in order, in no file."""


class Edit(Frozen):
    """Other characters for a span: what is certain to mend a mistake."""

    span: Span
    text: str


class Guess(Frozen):
    """What a span was likely meant to be. Checking goes on as if it stood there; it is never
    written for anyone."""

    span: Span
    text: str


class Hint(Frozen):
    """How to mend a mistake, in words, and what of it is more than words.

    `write` is what should stand in place of the mistake (or at `span`), which is `certain` or a
    guess. `names` are those that a wrong word may stand for."""

    text: str = ""
    write: str | None = None
    certain: bool = False
    span: Span = NOWHERE
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text

    def meant(self, span: Span) -> Edit | Guess | None:
        """What should stand in place of a mistake at `span`, where that is on one line."""
        place = self.span or span
        if self.write is None or not place.on_one_line:
            return None
        return (Edit if self.certain else Guess)(place, self.write)


def write(text: str, then: str = "", span: Span = NOWHERE) -> Hint:
    """``write `none` ``, which is certain to mend the mistake; `then` goes on behind it."""
    return Hint(f"write `{text}`{then}", text, True, span)


class Related(Frozen):
    """A second place that helps to understand a diagnostic, and what to say of it."""

    span: Span
    label: str


class Diagnostic(Frozen):
    """One mistake: a stable code, what is wrong, where, and how to mend it."""

    code: str
    message: str
    span: Span = NOWHERE
    label: str = ""
    notes: tuple[str, ...] = ()
    help: str = ""
    related: tuple[Related, ...] = ()
    edits: tuple[Edit, ...] = ()  # made together, they mend it
    # what was likely meant, where that is not certain
    guess: Guess | None = None
    about: str = ""  # the name that it is about
    # those that it may be about, where a word is not known
    names: frozenset[str] = frozenset()
    # codes of what follows from it, where that is about one of `names`
    causes: frozenset[str] = frozenset(["E034"])

    @property
    def likely(self) -> Edit | Guess | None:
        """What was meant, so that checking can go on."""
        return self.edits[0] if self.edits else self.guess

    @property
    def identity(self) -> tuple[str, str, Span]:
        """What makes two diagnostics one."""
        return self.code, self.message, self.span

    @property
    def severity(self) -> Severity:
        """W codes are warnings, all others are errors."""
        return "warning" if self.code.startswith("W") else "error"

    def lines(self) -> list[str]:
        """The message, the notes and the help, for those who show the place themselves."""
        return [
            self.message,
            *self.notes,
            *([f"help: {self.help}"] if self.help else []),
        ]

    def frame(self) -> str:
        """The diagnostic as plain text: header, place, the code as written, notes and help."""
        places = [Related(self.span, self.label)] if self.span else []
        places += self.related
        gutter = max((len(str(p.span.end_line)) for p in places), default=0)
        out = [f"{self.severity}[{self.code}]: {self.message}"]
        for index, place in enumerate(places):
            out += _excerpt(place, gutter, "-->" if index == 0 else ":::")
        pad = " " * gutter
        out += [f"{pad} = note: {note}" for note in self.notes]
        if self.help:
            out.append(f"{pad} = help: {self.help}")
        return "\n".join(out)


def _excerpt(place: Related, gutter: int, arrow: str) -> list[str]:
    """The lines of a frame that show one place."""
    span, pad = place.span, " " * gutter
    line = span.source.line(span.line)
    end = span.end_column - 1 if span.on_one_line else len(line)
    text, start, end = _window(line, span.column - 1, end)
    marks = "^" * max(1, end - start)
    label = f" {place.label}" if place.label else ""
    return [
        f"{pad}{arrow} {span}",
        f"{pad} |",
        f"{span.line:>{gutter}} | {text}".rstrip(),
        f"{pad} | {' ' * start}{marks}{label}",
    ]


def ticked(words: Iterable[str], between: str = ", ") -> str:
    """Words as a message names them."""
    return between.join(f"`{word}`" for word in words)


def first_few(words: Sequence[str], most: int) -> str:
    """So many of them, and `…` where there are more."""
    rest = ["…"] if len(words) > most else []
    return ", ".join([*words[:most], *rest])


def told(error: BaseException) -> str:
    """Its kind, and the first line of what it says."""
    first, _, _ = str(error).strip().partition("\n")
    return f"{type(error).__name__}: {first}"


def printable(text: str) -> str:
    """A text, character for character, without those that a terminal would obey or not show."""
    return (
        text
        if text.isprintable()
        else "".join(
            c if c.isprintable() else " " if c == "\t" else "�"
            for c in text
        )
    )


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """A line as a terminal can show it, and where its characters `start` to `end` are in that.

    Of a long line, the part around them.
    """
    first = max(0, min(start - _WIDEST // 4, len(line) - _WIDEST))
    last = first + _WIDEST
    shown = printable(line[first:last])
    shown = f"…{shown[1:]}" if first else shown
    shown = f"{shown[:-1]}…" if last < len(line) else shown
    return shown, start - first, min(end, last) - first


def in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Mistakes as they are told: file by file, from top to bottom, each once and without its
    consequences.

    A mistake is a consequence where it stands on the very characters of one that was found before
    it, within a text that YAML could not read (E00…), or is about a name that another may be about
    and is the cause."""
    found = list(found)
    caused = {
        (code, name)
        for d in found
        for code in d.causes
        for name in d.names
        if name
    }
    order = _Order()
    told: dict[tuple[str, str, Span], Diagnostic] = {}
    for problem in found:
        if (problem.code, problem.about) not in caused and order.admits(
            problem
        ):
            told.setdefault(problem.identity, problem)
    out = sorted(told.values(), key=order.place)
    if len(out) > MOST_TOLD:
        more = f"{MOST_TOLD} mistakes are shown, and there are more"
        out[MOST_TOLD:] = [Diagnostic("E004", more, out[MOST_TOLD].span)]
    return out


class _Order:
    """The files in which mistakes stand, in the order in which they were found, and the places."""

    def __init__(self) -> None:
        self.sources = {NOWHERE.source.name: -1}
        self.codes: dict[Span, str] = {}
        self.unread: list[Span] = []

    def admits(self, problem: Diagnostic) -> bool:
        """Whether a mistake stands where none before it has its cause."""
        span, of_yaml = problem.span, problem.code.startswith("E00")
        if not span:
            return True
        self.sources.setdefault(span.source.name, len(self.sources))
        before = self.codes.get(span)
        if before and (of_yaml or before != problem.code):
            return False
        if of_yaml:
            self.unread.append(span)
        elif _within(span, self.unread):
            return False
        self.codes[span] = problem.code
        return True

    def place(self, problem: Diagnostic) -> tuple[int, int, int]:
        """What mistakes are sorted by; one without a place comes first."""
        span = problem.span
        return self.sources[span.source.name], *span.start


def _within(span: Span, others: list[Span]) -> bool:
    """Whether a place begins inside one of the others."""
    return any(
        span.source.name == other.source.name
        and other.start
        <= span.start
        < (other.end_line, max(other.end_column, other.column + 1))
        for other in others
    )


class Fault(Exception):
    """One diagnostic on its way up to where diagnostics are gathered; never reaches a user as an
    exception."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic

    def beside(self, span: Span, label: str) -> Fault:
        """The same, with a second place that helps to understand it."""
        return Fault(
            replace(self.diagnostic, related=(Related(span, label),))
        )

    def spec_error(self) -> SpecError:
        """The same for the user, as the one mistake of a spec that cannot be read on."""
        return SpecError([self.diagnostic])


def fault(
    code: str,
    message: str,
    span: Span,
    help: str | Hint = "",
    *notes: str,
    label: str = "",
    about: str = "",
    names: Collection[str] = (),
    causes: Collection[str] = ("E034",),
) -> Fault:
    """A `Fault` of one diagnostic; a text of the spec in it may be of any length."""
    hint = help if isinstance(help, Hint) else Hint(help)
    meant = hint.meant(span)
    found = Diagnostic(
        code,
        _cut(message),
        span,
        label,
        notes,
        _cut(hint.text),
        edits=(meant,) if isinstance(meant, Edit) else (),
        guess=meant if isinstance(meant, Guess) else None,
        about=about,
        names=hint.names.union(names),
        causes=frozenset(causes),
    )
    return Fault(found)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class ResgraphError(Exception):
    """Base of every error that resgraph raises on purpose; `exit_code` is what the command line
    exits with."""

    exit_code: ClassVar[int] = 70


class SpecError(ResgraphError):
    """The spec is wrong. `diagnostics` holds every mistake that was found, in the order of their
    places."""

    exit_code = 1

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(d.frame() for d in self.diagnostics))


class UsageError(ResgraphError):
    """The command line or the call asks for something that cannot be."""

    exit_code = 2


class TrainingError(ResgraphError):
    """Training cannot go on: a non-finite loss, no memory, bad data."""

    exit_code = 3


class MissingError(ResgraphError):
    """Something that the environment should have is missing; the message says how to install it."""

    exit_code = 4


@contextmanager
def needing(said: str, extra: str, *packages: str) -> Iterator[None]:
    """Around what imports the packages of an extra, or those that are named. Raises
    `MissingError` where one is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        # a module of Python's own, which this one was built without, is in no extra
        own = missing in sys.stdlib_module_names
        if own or (packages and missing not in packages):
            raise
        raise MissingError(
            f"{said}: pip install 'resgraph[{extra}]'"
        ) from error


class RunError(ResgraphError):
    """A checkpoint or a run directory cannot be used."""

    exit_code = 5
