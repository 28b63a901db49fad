"""A font file → its letters as curves. fontTools, of the extra `figures`, reads TrueType's and
PostScript's."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fontTools.pens.basePen import BasePen
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.ttLib import TTFont

from ...errors import UsageError
from . import fonts
from .scene import Curve, Point

logging.getLogger("fontTools").addHandler(logging.NullHandler())
"""It warns of dates and tables that no picture has."""


@dataclass(slots=True)
class Typeface:
    """One font file, read as far as it is asked."""

    path: Path
    font: TTFont
    drawn: dict[int, list[Curve]] = field(default_factory=dict)

    def has(self, code: int) -> bool:
        """Whether it has a character."""
        return code in self.font.getBestCmap()

    def advance(self, code: int) -> float:
        """The width of a character, in parts of the size."""
        wide, _ = self.font["hmtx"][self.font.getBestCmap()[code]]
        return float(wide / self.font["head"].unitsPerEm)

    def curves(self, code: int) -> list[Curve]:
        """A character's closed curves, in parts of the size, y up. Raises `UsageError` where the
        file is damaged."""
        if code not in self.drawn:
            try:
                self.drawn[code] = self._draw(code)
            except (
                Exception
            ) as problem:  # whatever one meets in bytes that are no glyph
                raise UsageError(
                    f"the font {self.path} is damaged: `{chr(code)}` has no outline"
                ) from problem
        return self.drawn[code]

    def _draw(self, code: int) -> list[Curve]:
        glyphs, units = self.font.getGlyphSet(), self.font["head"].unitsPerEm
        pen = CurvePen(glyphs)
        # PostScript's curves are of degree three, and made of degree two within a thousandth
        glyphs[self.font.getBestCmap()[code]].draw(Cu2QuPen(pen, units / 1000))
        return [
            tuple((x / units, y / units) for x, y in curve)
            for curve in pen.closed
            if len(curve) > 1
        ]


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
    fonts.read(path)
    return Typeface(path, TTFont(path, fontNumber=0, lazy=True))
