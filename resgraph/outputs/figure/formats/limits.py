"""The size of a picture → an error before it is written, where nothing that reads its format could
open it."""

from __future__ import annotations

from ....errors import UsageError

POINTS = 0.75
"""Points in a pixel of a picture."""
MOST_PDF = 14_400
"""Points of a PDF page's side that readers have to show (ISO 32000-1, annex C)."""
MOST_TEX = 16_383
"""Points of the longest length that TeX can hold (2^30 - 1 scaled points)."""
MOST_PNG = 32_767
"""Pixels of a PNG's side that common readers take (cairo's bound)."""
MOST_PIXELS = 89_478_485
"""Pixels above which Pillow warns of a decompression bomb."""
MOST_EDGES, MOST_TEXT = 500, 50_000
"""Edges and characters of a flowchart above which Mermaid draws an error (its `maxEdges` and
`maxTextSize`)."""

_CURE = (
    "fold it (`--view stages`), draw one part of it (`--only NAME`), or write SVG or HTML, which"
    " have no such bound"
)


def pdf(width: float, height: float) -> None:
    """Raises `UsageError` for a picture (in pixels) that no page of PDF can hold."""
    _length("PDF", "a page of PDF", max(width, height) * POINTS, MOST_PDF)


def tex(width: float, height: float) -> None:
    """Raises `UsageError` for a picture (in pixels) that TeX cannot measure."""
    _length("TeX", "a length in TeX", max(width, height) * POINTS, MOST_TEX)


def _length(kind: str, what: str, points: float, most: int) -> None:
    if points > most:
        raise UsageError(
            f"as {kind} this figure is {points:,.0f} pt long, and {what} at most {most:,}: {_CURE}"
        )


def png(width: float, height: float, scale: float) -> None:
    """Raises `UsageError` for a picture (in pixels) that at `scale` is larger than readers of PNG
    take."""
    wide = width * scale
    high = height * scale
    if max(wide, high) <= MOST_PNG and wide * high <= MOST_PIXELS:
        return
    fits = min(
        MOST_PNG / max(width, height),
        (MOST_PIXELS / (width * height)) ** 0.5,
    )
    smaller = (
        f"draw it smaller (`--scale {int(fits * 100) / 100:g}`), "
        if fits >= 0.5
        else ""
    )
    raise UsageError(
        f"as PNG this figure is {wide:,.0f} × {high:,.0f} pixels, and readers of PNG take"
        f" {MOST_PNG:,} a side and {MOST_PIXELS / 1e6:.0f} million in all: {smaller}{_CURE}"
    )


def mermaid(edges: int, characters: int) -> None:
    """Raises `UsageError` for a flowchart that Mermaid refuses to draw."""
    for count, most, what in (
        (edges, MOST_EDGES, "edges"),
        (characters, MOST_TEXT, "characters"),
    ):
        if count > most:
            raise UsageError(
                f"as Mermaid this figure has {count:,} {what}, and Mermaid draws at most {most:,}: "
                "fold it (`--view stages`), or write SVG or HTML, which have no such bound"
            )
