"""A text → the letters of it that the packaged fonts lack."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ...errors import UsageError

FONTS = Path(__file__).parent / "fonts"


@lru_cache(maxsize=1)
def letters() -> frozenset[str]:
    """What the packaged fonts can draw."""
    out: set[str] = set()
    for ends in (FONTS / "letters.txt").read_text("ascii").replace("\n", "").strip(",").split(","):
        first, _, last = ends.partition("-")
        out.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return frozenset(out)


def check_letters(svg: str) -> None:
    """Refuse a picture with a letter that would be left out or drawn as a box."""
    for found in re.findall(r"<text [^>]*>([^<]*)</text>", svg):
        text = html.unescape(found)
        lacking = dict.fromkeys(letter for letter in text if letter not in letters())
        if lacking:
            raise UsageError(f"{lacking_text(lacking, text)}; SVG and HTML are drawn in the fonts of their reader")


def lacking_text(lacking: Iterable[str], text: str, where: str = "the packaged font") -> str:
    """Which letters of a text cannot be drawn, by what they are."""
    said = [f"`{letter}` (U+{ord(letter):04X} {unicodedata.name(letter, '')})".replace(" )", ")") for letter in lacking]
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    return f"{where} has no letter {', '.join(said[:3])}{more}, as in `{shown}`"
