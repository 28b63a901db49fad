"""What YAML lets pass and a spec refuses → diagnostics: keys, empty values, anchors, tags,
aliases."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from resgraph.errors import Diagnostic, Hint, Related, Span, fault, write

from .places import Places
from .scalars import Refusal, read_plain, shown
from .tree import Scalar, Tree

_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*")
_QUOTES = "if text is meant, put quotes around it"
_NUMBER = ("a number", "a name begins with a letter")
_NOT_NAMES = {int: _NUMBER, float: _NUMBER, bool: ("a truth value", "")}
"""What a value is that is no key, by its type, and what helps."""


def mistake(
    code: str,
    message: str,
    span: Span,
    hint: str | Hint = "",
    *related: Related,
    label: str = "",
) -> Diagnostic:
    """A diagnostic, in the order in which its words are written here."""
    return replace(
        fault(code, message, span, hint, label=label).diagnostic,
        related=related,
    )


def key_mistake(
    key: Scalar, first: Scalar | None, digits: int
) -> Diagnostic | None:
    """Why a scalar cannot be a key; `first` is the same key, given before."""
    if not key.text:
        hint = "write a name before the colon"
        return mistake("E005", "a key is missing here", key.span, hint)
    if key.plain and key.text == "<<":
        said = "`<<` is a merge key, which a spec does not have"
        hint = "`extends:` builds on another file; within a file, write the keys out"
        return mistake("E006", said, key.span, hint)
    value = read_plain(key.text, digits) if key.plain else key.text
    if not isinstance(value, str):
        kind, hint = _NOT_NAMES.get(type(value), ("not", ""))
        said = f"a key is a name, and {shown(key.text)} is {kind}"
        return mistake("E005", said, key.span, hint)
    if first:
        said, hint = f"duplicate key {shown(key.text)}", "keep one of them"
        place = Related(first.span, "first here")
        return mistake("E005", said, key.span, hint, place)
    return None


def decimal_comma(
    value: Tree, key: Scalar
) -> tuple[Scalar, Diagnostic] | None:
    """A number in braces that YAML cut at its comma, and the digits behind → the number meant; None
    for others."""
    if not (
        isinstance(value, Scalar)
        and value.plain
        and key.plain
        and not isinstance(value.value, bool | str)
    ):
        return None
    written = f"{value.text},{key.text}"
    if not (meant := number_meant(written)):
        return None
    span = replace(
        value.span,
        end_line=key.span.end_line,
        end_column=key.span.end_column,
    )
    number = read_plain(meant, 19)
    whole = Scalar(
        number if isinstance(number, int | float) else meant,
        meant,
        span,
        True,
    )
    return whole, mistake(
        "E009",
        f"a comma cuts {shown(written)} in pieces",
        span,
        comma_advice(written),
    )


def number_meant(text: str) -> str:
    """`0,1` → `0.1` and `64,000` → `64_000`, the number as a spec writes it; "" for anything
    else."""
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+", text):
        return text.replace(",", "_")
    return (
        text.replace(",", ".")
        if re.fullmatch(
            r"[-+]?[0-9]{1,9},[0-9]{1,18}([eE][-+]?[0-9]{1,3})?", text
        )
        else ""
    )


def comma_advice(text: str) -> Hint:
    """What to write for a number with a comma, where what it stands for is plain; empty for
    anything else."""
    meant = number_meant(text)
    if "_" in meant and text.count(",") == 1:
        return Hint(
            f"a number has no comma: write `{meant}`, or `{text.replace(',', '.', 1)}` for a"
            " fraction",
            meant,
        )
    then = ": a number has no comma" if "_" in meant else ", with a dot"
    return write(meant, then) if meant else Hint()


def no_value(key: Scalar, flow: bool) -> Diagnostic:
    """A key and nothing behind it."""
    hint = (
        "write it after the colon"
        if flow
        else "write it after the colon, or on lines that are indented further"
    )
    return mistake(
        "E008", f"{shown(key.text)} has no value", key.span, hint
    )


def no_item(span: Span) -> Diagnostic:
    """A dash and nothing behind it."""
    return mistake(
        "E008",
        "an item of the list is missing here",
        span,
        "write it, or take the `-` out",
    )


def refused_value(scalar: Scalar, refusal: Refusal) -> Diagnostic:
    """A plain text that is no value."""
    code, message, hint, label = refusal
    return mistake(code, message, scalar.span, hint, label=label)


def properties(event: Any, places: Places) -> Diagnostic | None:
    """The anchor or the tag of a value."""
    if not (event.anchor or event.tag):
        return None
    start = event.start_mark.index
    found = _PROPERTY.match(places.text, start)
    text = found[0] if found else places.text[start : start + 1]
    what = "an anchor" if text.startswith("&") else "a tag"
    span = places.span(start, start + len(text))
    return mistake(
        "E006",
        f"{shown(text)} is {what}, which a spec does not have",
        span,
        f"take it out; {_QUOTES}",
    )


def alias(span: Span, text: str) -> Diagnostic:
    """`*name`."""
    hint = f"write the value out, or name it in `let:`; {_QUOTES}"
    return mistake(
        "E006",
        f"{shown(text)} is an alias, which a spec does not have",
        span,
        hint,
    )


def directive(places: Places) -> Diagnostic:
    """`%YAML 1.1`."""
    line = re.search(r"^%.*", places.text, re.MULTILINE)
    return mistake(
        "E006",
        "a spec has no `%` lines",
        places.span(*(line.span() if line else (0, 1))),
        "take it out",
    )


def second_document(start: int, places: Places) -> Diagnostic:
    """`---` after the first document."""
    hint = "give each spec its own file, or make them `variants` of one"
    return mistake(
        "E006",
        "a second document begins here",
        places.span(start, start + 3),
        hint,
    )
