"""A length on paper, as a journal states it → the scale of a picture that is as wide, and whether
it can be read there."""

from __future__ import annotations

import re

from ...collecting import of_type
from ...errors import UsageError
from .formats.limits import POINTS
from .formats.pen import flat
from .scene import Scene, Text

UNITS = {
    "mm": 72 / 25.4,
    "cm": 720 / 25.4,
    "in": 72.0,
    "pt": 72 / 72.27,
    "bp": 1.0,
}
"""PDF's points (1/72 inch) in each unit; `pt` is TeX's, in which journals give their columns."""
READABLE = 5.0
"""Points below which journals find text too small (Nature's guide to figures: 5 to 7 pt)."""
DOTS = 300
"""Dots to the inch of a PNG on paper, if nothing else is said."""

_LENGTH = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(UNITS)})")


def points(length: str) -> float:
    """`88mm` in points. Raises `UsageError` for what is no length on paper, 10 mm to 2 m."""
    found = _LENGTH.fullmatch(length.strip())
    size = float(found[1]) * UNITS[found[2]] if found else 0
    if not points_of_mm(10) <= size <= points_of_mm(2000):
        raise UsageError(
            f"`{length}` is no width on paper: give one from 10 mm to 2 m, as 88mm, 3.5in or 252pt"
        )
    return size


def points_of_mm(length: float) -> float:
    """Millimetres in points."""
    return length * UNITS["mm"]


def scale_to(scene: Scene, length: str) -> float:
    """By what a picture is multiplied to be so wide."""
    return points(length) / (scene.width * POINTS)


def smallest_text(scene: Scene) -> float:
    """In points, before any scale; infinite where there is none."""
    sizes = (shape.size for shape in of_type(Text, flat(scene.items)))
    return min(sizes, default=float("inf")) * POINTS


def complaint(scene: Scene, length: str) -> str:
    """What to say of a picture whose text is too small at its width on paper; "" where none is."""
    size = smallest_text(scene) * scale_to(scene, length)
    if size >= READABLE - 0.005:
        return ""
    needed = points(length) * READABLE / size / UNITS["mm"]
    return (
        f"at {length} the smallest text is {size:.1f} pt, and readers need {READABLE:g} pt: this"
        f" figure can be read from {needed:.0f} mm on; draw less of it (`--only`, `--view stages`)"
    )
