"""Bytes of a file → text that shows all it holds: UTF-8, and no character that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from resgraph.errors import Diagnostic, Hint, Source, fault

from .places import Places

# Not printed at all (controls, zero-width, fillers, tags, noncharacters, surrogates), or printed
# elsewhere than written (bidi, other line ends): what is reviewed must be what is run (Boucher and
# Anderson 2021, "Trojan Source").
_NONCHARACTERS = "".join(
    chr(16**4 * plane + end)
    for plane in range(1, 17)
    for end in (0xFFFE, 0xFFFF)
)
FORBIDDEN = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e0fff" + _NONCHARACTERS + "]"
)

# What looks like a space and ends no word: people get them from web pages, papers and keyboards.
_ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")

# A character beyond U+FFFF as JSON escapes it. libyaml knows no such pairs; behind an even number
# of backslashes each is put into its hands as the character itself, and as many fillers as keep
# every other character in its place.
_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)
# a noncharacter, which no text holds that gets as far as this
_FILLER = "\ufdd0"
_FILLED = re.compile(f"(.){_FILLER}{{11}}")

# What looks like a sign of the language, or like a letter or digit of it in full width, and nothing
# else it could be.
_ALIKE = {
    "−": "-",
    "∕": "/",
    "⁄": "/",
    "∗": "*",
    **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},
}
LOOK_ALIKES = re.compile(f"[{''.join(_ALIKE)}]+")
_PLAIN = str.maketrans(_ALIKE)

_NAMES = {
    "\x00": "NUL",
    "\x1b": "ESCAPE",
    "\x85": "NEXT LINE",
    "\r": "CARRIAGE RETURN",
    "\x7f": "DELETE",
}
_KINDS = {
    "Cc": "a control character",
    "Cs": "half of a surrogate pair",
    "Cn": "no character",
}


def described(character: str) -> str:
    """`U+200B ZERO WIDTH SPACE`."""
    kind = _KINDS.get(
        unicodedata.category(character), "a character without a name"
    )
    name = _NAMES.get(character) or unicodedata.name(character, f"({kind})")
    return f"U+{ord(character):04X} {name}"


def look_alikes(run: str) -> tuple[str, Hint]:
    """What is wrong with a run of characters that only look like those of the language, and what to
    write."""
    verb = "is" if len(run) == 1 else "begins with"
    plain = run.translate(_PLAIN)
    return (
        f"`{run}` {verb} {described(run[0])}, which has no meaning here",
        Hint(f"write `{plain}`", plain, True),
    )


def hidden_characters(places: Places) -> Iterator[Diagnostic]:
    """Characters that cannot be seen, or that show the text in another order than it is read."""
    for match in FORBIDDEN.finditer(places.text):
        message = (
            f"the file holds {described(match[0])}, which cannot be seen"
        )
        hint: str | Hint = "end the line with a line feed"
        if match[0] != "\r":
            joins = re.fullmatch(
                r"[A-Za-z][0-9]",
                places.text[match.start() - 1]
                + places.text[match.end() :][:1],
            )
            # `conv` and `64` are two words
            hint = Hint("take it out", " " if joins else "", True)
        yield fault(
            "E002", message, places.span(*match.span()), hint
        ).diagnostic


def odd_spaces(
    places: Places, start: int, end: int
) -> Iterator[Diagnostic]:
    """Characters between two offsets that only look like spaces."""
    for match in _ODD_SPACES.finditer(places.text, start, end):
        message = f"{described(match[0])} looks like a space, and is none"
        hint = Hint("write a space in its place", " ", True)
        yield fault(
            "E002", message, places.span(*match.span()), hint
        ).diagnostic


def with_plain_spaces(text: str) -> str:
    """The text, character for character, with spaces for what looks like one."""
    return _ODD_SPACES.sub(" ", text)


def with_pairs_filled(text: str) -> str:
    """The text with each pair of escapes, `\\ud83d\\ude00`, as one character and fillers: no longer
    and no shorter."""

    def filled(pair: re.Match[str]) -> str:
        return f"{pair[1]}{chr(_code_point(pair))}{_FILLER * 11}"

    return _PAIR.sub(filled, text) if "\\u" in text else text


def without_fillers(value: str, written: str, *, quoted: bool) -> str:
    """The value of a text that was `written` with pairs: in double quotes their characters,
    elsewhere as it stands."""
    if _FILLER not in value:
        return value
    if quoted:
        return _FILLED.sub(r"\1", value)
    pairs = (pair[0][len(pair[1]) :] for pair in _PAIR.finditer(written))
    return _FILLED.sub(lambda _: next(pairs), value)


def _code_point(pair: re.Match[str]) -> int:
    return (
        0x10000
        + ((int(pair[2], 16) - 0xD800) << 10)
        + int(pair[3], 16)
        - 0xDC00
    )


def not_utf8(
    data: bytes, name: str, error: UnicodeDecodeError
) -> Diagnostic:
    """What is wrong with bytes that are not UTF-8, at the first such byte."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Diagnostic(
            "E002",
            f"cannot read `{name}`: it is UTF-16",
            help="save it as UTF-8",
        )
    message = f"byte 0x{data[error.start]:02X} at offset {error.start:,} is not UTF-8"
    text = data.decode("utf-8", "replace")
    offset = len(data[: error.start].decode("utf-8"))
    span = Places(Source(name, text)).span(offset, offset + 1)
    return Diagnostic("E002", message, span, help="save the file as UTF-8")
