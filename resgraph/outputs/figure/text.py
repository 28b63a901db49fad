"""A line of text → the room that it takes, in the font that comes with resgraph or in the widest
that stands for it.

An SVG is shown in the fonts of whoever reads it. A font within the file, and `textLength`, help in
browsers alone: librsvg, Qt and svglib pass over both. So the layout leaves the room that DejaVu
Sans takes, the widest of the fonts that common systems have, and nothing crosses in any of them."""

from __future__ import annotations

from bisect import bisect
from functools import lru_cache

from .fonts import FOLDER, advances, face

_ASCII = range(32, 127)
_DEJAVU, _DEJAVU_BOLD = (
    [*map(int, line.split())]
    for line in (FOLDER / "dejavu-widths.txt")
    .read_text("utf-8")
    .splitlines()
)
"""The widths of DejaVu Sans 2.37 from space to tilde, in thousandths of the size; what is medium is
regular there."""
_WIDER = 1.27
"""How much wider than ours other letters and signs (`×`, `−`) are in DejaVu, most of them at
most."""
_OTHER, _EAST_ASIAN = 680.0, 1050.0


@lru_cache(4096)  # rows and joins say the same again and again
def width(text: str, size: float, weight: int = 400) -> float:
    """The room in pixels for `text` at `size`; from 600 on it is bold, from 450 on medium."""
    table = advances(face(weight))
    wide = _DEJAVU_BOLD if weight >= 600 else _DEJAVU
    total = 0.0
    for code in map(ord, text):
        if code in _ASCII:
            total += max(table[code], wide[code - 32])
        elif code in table:
            total += table[code] * _WIDER
        else:
            total += _EAST_ASIAN if code > 0x2E7F else _OTHER
    return total * size / 1000


def room(text: str, size: float, weight: int, beside: float) -> float:
    """How wide `text` is with what stands beside it; no text needs no room."""
    return width(text, size, weight) + beside if text else 0.0


def fit(text: str, size: float, room: float, weight: int = 400) -> str:
    """`text`, cut with an ellipsis where it is wider than `room`."""
    # sums of fractions of a pixel
    if width(text, size, weight) <= room + 0.01:
        return text

    def cut(end: int) -> str:
        return text[:end].rstrip() + "…"

    ends = range(1, len(text) + 1)
    return cut(
        bisect(ends, room, key=lambda end: width(cut(end), size, weight))
    )
