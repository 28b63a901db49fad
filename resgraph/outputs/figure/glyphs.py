"""A font file → its letters as curves. fontTools, of the extra `figures`, reads TrueType's and
PostScript's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from fontTools.pens.basePen import BasePen
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.ttLib import TTFont, TTLibError
from msgspec import Struct

from ...errors import UsageError
from . import fonts
from .scene import Curve, Point

logging.getLogger("fontTools").addHandler(logging.NullHandler())
"""It warns of dates and tables that no picture has."""


class Letter(NamedTuple):
    """A character's width and its closed curves, in parts of the size, y up."""

    advance: float
    curves: list[Curve]


class Typeface(Struct):
    """One font file, read as far as it is asked; `glyphs` has the characters that it has."""

    path: Path
    font: TTFont
    glyphs: Mapping[int, int]
    letters: dict[int, Letter] = {}

    def letter(self, code: int) -> Letter:
        """Raises `UsageError` where the file is damaged."""
        if code not in self.letters:
            try:
                self.letters[code] = self._read(code)
            # whatever a reader meets in bytes that are no letter
            except Exception as problem:
                raise UsageError(
                    f"the font {self.path} is damaged: `{chr(code)}` has no outline"
                ) from problem
        return self.letters[code]

    def _read(self, code: int) -> Letter:
        name = self.font.getGlyphName(self.glyphs[code])
        units = self.font["head"].unitsPerEm
        glyphs = self.font.getGlyphSet()
        pen = CurvePen(glyphs)
        # PostScript's curves are of degree three, and made of degree two within a thousandth
        glyphs[name].draw(Cu2QuPen(pen, units / 1000))
        curves = [
            tuple((x / units, y / units) for x, y in curve)
            for curve in pen.closed
            if len(curve) > 1
        ]
        return Letter(self.font["hmtx"][name][0] / units, curves)


class CurvePen(BasePen):  # type: ignore[misc]
    """Closed curves as `Curve` has them: start, bend, end, bend, end …; a straight line is bent at
    its start."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)
        self.closed: list[list[Point]] = []

    def _moveTo(self, start: Point) -> None:  # noqa: N802
        self.closed.append([start])

    def _lineTo(self, end: Point) -> None:  # noqa: N802
        self.closed[-1] += [self.closed[-1][-1], end]

    def _qCurveToOne(self, bend: Point, end: Point) -> None:  # noqa: N802
        self.closed[-1] += [bend, end]

    def _closePath(self) -> None:  # noqa: N802
        if self.closed[-1][-1] != self.closed[-1][0]:
            self._lineTo(self.closed[-1][0])


@cache
def typeface(path: Path) -> Typeface:
    """A font file, of a collection its first. Raises `UsageError` where it cannot be read, or is
    none."""
    _, glyphs = fonts.read(path)
    held = BytesIO(path.read_bytes())  # read to the end, and no file open
    try:
        return Typeface(path, TTFont(held, fontNumber=0, lazy=True), glyphs)
    except TTLibError:
        raise fonts.no_font(path) from None
