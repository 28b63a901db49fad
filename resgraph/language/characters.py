"""Bytes of a file → text that shows all it holds: UTF-8, and no character that cannot be seen."""

from __future__ import annotations

import re
import unicodedata

# Not printed at all (controls, zero-width, fillers, tags, noncharacters, surrogates), or printed elsewhere than
# written (bidi, other line ends): what is reviewed must be what is run (Boucher and Anderson 2021, Trojan Source).
FORBIDDEN = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "\U000e0000-\U000e0fff]"
)

_NAMED = {"\x00": "NUL", "\x1b": "ESCAPE", "\x85": "NEXT LINE", "\r": "CARRIAGE RETURN", "\x7f": "DELETE"}


def described(character: str) -> str:
    """`U+200B ZERO WIDTH SPACE`."""
    kind = "a surrogate" if unicodedata.category(character) == "Cs" else "a control character"
    name = _NAMED.get(character) or unicodedata.name(character, kind)
    return f"U+{ord(character):04X} {name}"


def decoding_problem(data: bytes) -> tuple[str, str]:
    """What is wrong with bytes that are not UTF-8, and how to mend it."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "the file is UTF-16, and a spec is UTF-8", "save it as UTF-8"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        message = f"byte 0x{data[error.start]:02X} at offset {error.start:,} is not UTF-8"
        surrogate = data[error.start] == 0xED
        return (
            message,
            "it is half of a surrogate pair: write the character" if surrogate else "save the file as UTF-8",
        )
    raise ValueError("these bytes are UTF-8")
