"""An error → the terminal, or JSON on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from ..counting import counted
from ..errors import Diagnostic, ResgraphError, Span, SpecError, UsageError


def report(problem: ResgraphError, *, as_json: bool) -> None:
    """Say what went wrong: frames (or one line) on stderr; with `as_json`, one JSON object on
    stdout.

    What all processes of a run would say, JSON and a stop, the first one says.
    """
    if (as_json or problem.exit_code > 128) and not is_first():
        return
    if isinstance(problem, SpecError):
        report_diagnostics(problem.diagnostics, as_json=as_json)
    elif as_json:
        print_json(
            {
                "ok": False,
                "error": str(problem),
                "exit_code": problem.exit_code,
            }
        )
    elif problem.exit_code > 128:
        # a signal asked to stop, which is no error
        click.echo(_safe(str(problem)), err=True)
    else:
        click.echo(
            f"{click.style('error', fg='red', bold=True)}: {_safe(str(problem))}",
            err=True,
            color=colored(),
        )


def report_diagnostics(
    diagnostics: Sequence[Diagnostic], *, as_json: bool
) -> None:
    """The frames of diagnostics, and how many there are."""
    if as_json:
        print_json(
            {
                "ok": False,
                "diagnostics": [*map(diagnostic_data, diagnostics)],
            }
        )
        return
    warn(diagnostics)
    counts = [
        (sum(d.severity == kind for d in diagnostics), kind)
        for kind in ("error", "warning")
    ]
    total = ", ".join(
        counted(count, kind) for count, kind in counts if count
    )
    click.echo(
        f"{total}; `resgraph explain {diagnostics[0].code}` says more",
        err=True,
        color=colored(),
    )


def is_first() -> bool:
    """Whether this process, of all that a launcher started, is the one that prints."""
    from ..train.parallel.launch import launched

    try:
        return launched(os.environ).rank == 0
    except UsageError:
        # it is told of, and every process is the only one that it knows
        return True


def colored() -> bool | None:
    """Whether to colour: not where `NO_COLOR` says so (no-color.org), else where there is a
    terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _colored(diagnostic: Diagnostic) -> str:
    """The frame with colours where the terminal has them (click takes them away elsewhere)."""
    head, _, rest = _safe(diagnostic.frame()).partition("\n")
    kind, colon, message = head.partition(":")
    color = "red" if diagnostic.severity == "error" else "yellow"
    lines = [
        click.style(kind, fg=color, bold=True)
        + click.style(colon + message, bold=True)
    ]
    for line in rest.splitlines():
        mark = line.lstrip()
        if mark.startswith(("-->", ":::", "=")):
            lines.append(
                click.style(line, fg="cyan")
                if not mark.startswith("=")
                else line
            )
        elif mark.startswith("|") and "^" in mark:
            lines.append(click.style(line, fg=color))
        else:
            lines.append(line)
    return "\n".join(lines)


def _safe(text: str) -> str:
    """Text without control characters, which could write on the terminal; ASCII where that is all
    it has."""
    shown = "".join(
        c if c in "\n\t" or c.isprintable() else f"\\u{ord(c):04x}"
        for c in text
    )
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)


def diagnostic_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data; lines and columns count from 1."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "place": _place(diagnostic.span),
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "edits": [
            {"place": _place(edit.span), "text": edit.text}
            for edit in diagnostic.edits
        ],
        "related": [
            {"place": _place(r.span), "label": r.label}
            for r in diagnostic.related
        ],
    }


def _place(span: Span) -> dict[str, Any] | None:
    if not span:
        return None
    start = {"line": span.line, "column": span.column}
    end = {"line": span.end_line, "column": span.end_column}
    return {"file": span.source.name, "start": start, "end": end}


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def warn(diagnostics: Iterable[Diagnostic]) -> None:
    """Warnings on stderr."""
    for diagnostic in diagnostics:
        click.echo(_colored(diagnostic) + "\n", err=True, color=colored())
