"""SVG text → PNG or PDF, with pip packages alone: resvg draws the one, typst (which embeds fonts) the other.

Both draw letters from the packaged fonts and from no others, so that a picture is the same bytes on every
machine, and one without fonts too.
"""

from __future__ import annotations

import re

from ...errors import MissingError, UsageError
from .letters import FONTS, check_letters

LARGEST_PNG = 100_000_000
"""Pixels of the largest PNG: 400 MB while it is drawn."""
LARGEST_PDF = 14_400.0
"""Points of the longest side of a page that Acrobat opens (PDF 1.7, annex C)."""

_INSTALL = "install it with `pip install 'resgraph[figures]'`"
_SMALLER = "draw less of the net, with `--view stages` or `--only NAME`"
_POINTS = 0.75  # of a pixel: 96 to the inch

_PAGE = b"""#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg")
"""


def png(svg: str, scale: float = 2.0) -> bytes:
    """The picture as PNG, `scale` pixels for each of its own.

    Raises `MissingError` where resvg is not installed, `UsageError` for a letter that the fonts lack and for a picture
    that is too large.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingError(f"PNG needs the package resvg-py: {_INSTALL}") from None
    check_letters(svg)
    width, height = (max(1, round(side * scale)) for side in _size(svg))
    if width * height > LARGEST_PNG:
        raise UsageError(
            f"a PNG of {width:,} x {height:,} pixels is more than {LARGEST_PNG:,} in all: take a smaller `--scale`, "
            f"or {_SMALLER}; SVG has no such limit"
        )
    drawn = resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=scale,
        skip_system_fonts=True,
        font_files=[str(file) for file in sorted(FONTS.glob("*.ttf"))],
        sans_serif_family="Inter",
    )
    return bytes(drawn)


def pdf(svg: str, title: str = "") -> bytes:
    """The picture as one page of PDF: vectors, with its fonts embedded, the same bytes each time.

    Raises `MissingError` where typst is not installed, `UsageError` as `png` does.
    """
    try:
        import typst
    except ImportError:
        raise MissingError(f"PDF needs the package typst: {_INSTALL}") from None
    check_letters(svg)
    width, height = (side * _POINTS for side in _size(svg))
    if max(width, height) > LARGEST_PDF:
        raise UsageError(
            f"a page of {width:,.0f} x {height:,.0f} pt is larger than the {LARGEST_PDF:,.0f} pt that PDF readers "
            f"open: {_SMALLER}; SVG has no such limit"
        )
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    return bytes(typst.compile(_PAGE, format="pdf", sys_inputs={"svg": svg, "title": title}, font_paths=fonts))


def _size(svg: str) -> tuple[float, float]:
    """Width and height of a figure, in its own pixels."""
    sides = re.findall(r'\b(?:width|height)="([0-9.]+)"', svg[:500])
    return (float(sides[0]), float(sides[1])) if len(sides) > 1 else (0.0, 0.0)
