"""Diagnostics → the forms that other programs read: GitHub's annotations, and SARIF for code
scanning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..catalogue import catalogue
from ..errors import Diagnostic, Span


def github(diagnostic: Diagnostic) -> str:
    """A workflow command, which GitHub shows as an annotation on the line."""
    span = diagnostic.span
    properties = [f"title={_property(diagnostic.code)}"]
    if span:
        places = {
            "file": span.source.name,
            "line": span.line,
            "endLine": span.end_line,
        }
        # GitHub takes columns on one line only
        if span.on_one_line:
            places |= {"col": span.column, "endColumn": span.end_column}
        properties = [
            f"{key}={_property(str(value))}"
            for key, value in places.items()
        ] + properties
    message = _data("\n".join(diagnostic.lines()))
    return f"::{diagnostic.severity} {','.join(properties)}::{message}"


def _data(text: str) -> str:
    return (
        text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    )


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """A SARIF 2.1.0 log of one run, with the rules that were broken."""
    codes = sorted({d.code for d in diagnostics})
    driver = {
        "name": "resgraph",
        "semanticVersion": __version__,
        "rules": [*map(_rule, codes)],
    }
    results = [_result(d, codes.index(d.code)) for d in diagnostics]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    entry = catalogue()[code]
    return {
        "id": code,
        "name": entry.name or code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.why},
        "help": {
            "text": f"Wrong:\n\n{entry.wrong}\nRight:\n\n{entry.right}"
        },
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    text = "\n".join(
        filter(
            None, [diagnostic.message, *diagnostic.notes, diagnostic.help]
        )
    )
    out: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": text},
    }
    if diagnostic.span:
        out["locations"] = [_location(diagnostic.span)]
    if diagnostic.related:
        out["relatedLocations"] = [
            {
                "id": place,
                **_location(related.span),
                "message": {"text": related.label},
            }
            for place, related in enumerate(diagnostic.related)
        ]
    if diagnostic.edits:
        out["fixes"] = [_fix(diagnostic)]
    return out


def _fix(diagnostic: Diagnostic) -> dict[str, Any]:
    replacements = [
        {
            "deletedRegion": _region(edit.span),
            "insertedContent": {"text": edit.text},
        }
        for edit in diagnostic.edits
    ]
    change = {
        "artifactLocation": _artifact(diagnostic.edits[0].span),
        "replacements": replacements,
    }
    return {
        "description": {"text": f"write {diagnostic.edits[0].text}"},
        "artifactChanges": [change],
    }


def _location(span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(span),
            "region": _region(span),
        }
    }


def _artifact(span: Span) -> dict[str, Any]:
    return {"uri": Path(span.source.name).as_posix()}


def _region(span: Span) -> dict[str, Any]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
