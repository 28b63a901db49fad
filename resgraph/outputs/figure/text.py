"""A line of text → how wide it is drawn, by the widths of the font that comes with resgraph."""

from __future__ import annotations

from .fonts import advances

_OTHER, _EAST_ASIAN = 680.0, 1050.0


def width(text: str, size: float, weight: int = 400) -> float:
    """The width of `text` in pixels at `size`; from 600 on it is bold, from 450 on medium."""
    table = advances("Bold" if weight >= 600 else "Medium" if weight >= 450 else "Regular")
    return sum(table.get(code, _EAST_ASIAN if code > 0x2E7F else _OTHER) for code in map(ord, text)) * size / 1000


def fit(text: str, size: float, room: float, weight: int = 400) -> str:
    """`text`, cut with an ellipsis where it is wider than `room`."""
    if width(text, size, weight) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + "…", size, weight) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
