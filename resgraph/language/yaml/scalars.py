"""Plain text of a YAML file → number, truth value or text by YAML 1.2's core schema, or why not."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from resgraph.errors import Hint, printable, write

from .limits import LIMITS

_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_INTEGER = re.compile(rf"[-+]?{_DIGITS}")
_FLOAT = re.compile(
    rf"[-+]?(?:\.{_DIGITS}|{_DIGITS}(?:\.(?:{_DIGITS})?)?)(?:[eE][-+]?[0-9]+)?"
)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]")
_SEXAGESIMAL = re.compile(
    r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
_BASE = re.compile(r"[-+]?0(?:[bB][01_]+|[oO][0-7_]+|[xX][0-9a-fA-F_]+)")
_UNDERSCORES = re.compile(r"[-+]?[0-9][0-9_]*")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAY_BE_SPECIAL = frozenset("+-.0123456789tTfFnN~")
_TRUTH = {
    word: word[0] in "tT"
    for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_NULL = frozenset(("null", "Null", "NULL", "~"))
_LONGEST_FLOAT = 64  # characters; a double has 17 significant digits

ScalarValue = str | int | float | bool


class Refusal(NamedTuple):
    """Why a plain text has no meaning in the language; the fields are those of a diagnostic."""

    code: str
    message: str
    help: str | Hint = ""
    label: str = ""


def shown(text: str, width: int = 40) -> str:
    """User text for a message: in backquotes, on one line, cut to `width` characters."""
    line = printable(" ".join(text[: 4 * width].split()))
    line = f"{line[: width - 1]}…" if len(line) > width else line
    return f'"{line}"' if "`" in line else f"`{line}`"


def read_plain(text: str, digits: int) -> ScalarValue | Refusal:
    """The value of an unquoted text. Digits are counted before they are converted."""
    if text[:1] not in _MAY_BE_SPECIAL:
        return text
    if " " in text and not _DATE.match(text):
        return text  # a label, most often
    if text in _TRUTH:
        return _TRUTH[text]
    if text in _NULL:
        return Refusal(
            "E008",
            f"{shown(text)} is not a word of the language",
            write("none"),
        )
    if refusal := _ambiguous(text):
        return refusal
    if _INTEGER.fullmatch(text):
        return _integer(text, digits)
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text


def number_in(value: object) -> int | float | None:
    """The number that stands in quotes, as emitters of YAML 1.1 write `25_557_032`."""
    number = (
        read_plain(value, LIMITS.digits) if isinstance(value, str) else None
    )
    if isinstance(number, int | float) and not isinstance(number, bool):
        return number
    return None


def _ambiguous(text: str) -> Refusal | None:
    """YAML 1.1 and 1.2, or people and machines, read these differently: refused, with both
    readings."""
    if _SEXAGESIMAL.fullmatch(text):
        return _two_meanings(
            text,
            "a number in base 60 to some, text to others",
            f"cells before and after a map are a list, `[[{', '.join(text.split(':'))}]]`",
        )
    if _DATE.fullmatch(text):
        return _two_meanings(text, "a date to some, text to others")
    if _BASE.fullmatch(text):
        return _two_meanings(
            text,
            "a number in another base to some, text to others",
            "write the number in base ten",
        )
    if _LEADING_ZERO.match(text) and _FLOAT.fullmatch(text):
        return _two_meanings(
            text,
            "base 8 to some, base 10 to others",
            "leave the zeros in front out",
        )
    if _UNDERSCORES.fullmatch(text) and not _INTEGER.fullmatch(text):
        return _two_meanings(
            text,
            "a number to some, text to others",
            "put each `_` between two digits",
        )
    if _NOT_FINITE.fullmatch(text):
        return Refusal(
            "E007",
            f"{shown(text)} is not a number that a network can use",
            "write a finite number",
        )
    return None


def _two_meanings(text: str, label: str, mend: str = "") -> Refusal:
    quoted = (
        f'if text is meant, write `"{text}"`'
        if len(text) <= 40
        else "if text is meant, put quotes around it"
    )
    message = f"{shown(text)} means different things to different readers"
    return Refusal(
        "E007", message, f"{mend}; {quoted}" if mend else quoted, label
    )


def _integer(text: str, digits: int) -> int | Refusal:
    written = text.lstrip("+-").replace("_", "")
    if len(written) > digits:
        message = f"this number has {len(written):,} digits, and the limit is {digits}"
        return Refusal("E004", message)
    return int(text)


def _float(text: str) -> float | Refusal:
    if len(text) > _LONGEST_FLOAT:
        message = f"this number has {len(text):,} characters, and the limit is {_LONGEST_FLOAT}"
        return Refusal(
            "E004",
            message,
            "round it: 17 digits are all that a float keeps",
        )
    value = float(text)
    mantissa = re.split("[eE]", text)[0]
    if math.isinf(value) or (value == 0 and re.search("[1-9]", mantissa)):
        size = "small" if value == 0 else "large"
        return Refusal(
            "E004",
            f"{shown(text)} is too {size} for a float, which goes from 5e-324 to 1.8e308",
        )
    return value
