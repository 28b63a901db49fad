"""A line of text → its letters as curves, so that a picture needs no font: they are set one after
another by their advances."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ...collecting import each_text, of_type
from ...errors import MissingError, UsageError
from . import fonts
from .formats.pen import flat
from .scene import Outline, Point, Primitive, Scene, ShapeGroup, Text

if TYPE_CHECKING:
    from .glyphs import Typeface


def outlined(scene: Scene, font: Path | None) -> None:
    """Turn each line of a scene's text into curves, in place; letters that the packaged font lacks
    are those of `font`. Raises `UsageError` for a letter that both lack, or that changes by its
    neighbours (Arabic, Hindi)."""
    texts = each_text(of_type(Text, flat(scene.items)))
    check(texts, font)
    scene.items = [_drawn(item, font) for item in scene.items]


def check(texts: Iterable[str], font: Path | None) -> None:
    """Raises `UsageError` for a letter that cannot be drawn."""
    used = dict.fromkeys(unicodedata.normalize("NFC", "".join(texts)))
    if shaped := [*filter(_is_shaped, used)]:
        raise UsageError(
            f"`--text paths` cannot draw {fonts.named(shaped)}, which changes by its neighbours;"
            " leave the text as letters, or write PNG or PDF"
        )
    if lacking := fonts.lacking(used, font):
        raise UsageError(
            f"`--text paths` cannot draw {fonts.missing(lacking, font)}"
        )


def _is_shaped(character: str) -> bool:
    """Whether its script joins or reorders letters: Hebrew to Burmese, Khmer and Mongolian, and
    accents that stay apart."""
    code = ord(character)
    return (
        bool(unicodedata.combining(character))
        or 0x0590 <= code <= 0x109F
        or 0x1780 <= code <= 0x18AF
    )


def _drawn(
    item: Primitive | ShapeGroup, font: Path | None
) -> Primitive | ShapeGroup:
    if isinstance(item, ShapeGroup):
        shapes = [_shape(shape, font) for shape in item.shapes]
        return replace(item, shapes=shapes)
    return _shape(item, font)


def _shape(shape: Primitive, font: Path | None) -> Primitive:
    return _outline(shape, font) if isinstance(shape, Text) else shape


def _reader() -> Callable[[Path], Typeface]:
    """What reads a font file."""
    try:
        from .glyphs import typeface
    except ModuleNotFoundError:
        raise MissingError(
            "`--text paths` needs the package fonttools: install it with"
            " `pip install 'resgraph[figures]'`"
        ) from None
    return typeface


def _outline(text: Text, font: Path | None) -> Outline:
    """A line of text as curves about its anchor, y down."""
    typeface = _reader()
    own = typeface(
        fonts.packaged()[
            fonts.FACES.index(fonts.face(text.weight, text.italic))
        ]
    )
    pen, placed = 0.0, []
    for code in map(ord, unicodedata.normalize("NFC", text.text)):
        face = typeface(font) if font and code not in own.glyphs else own
        letter = face.letter(code)
        placed.append((pen, letter.curves))
        pen += letter.advance
    start = -pen * _SHARES[text.anchor]
    turn = radians(text.turn)
    across = text.size * cos(turn)
    down = text.size * sin(turn)

    def turned(x: float, y: float) -> Point:
        return across * x + down * y, down * x - across * y

    curves = tuple(
        tuple(turned(start + at + x, y) for x, y in curve)
        for at, drawn in placed
        for curve in drawn
    )
    return Outline(text.x, text.y, curves, text.fill)


_SHARES = {"start": 0.0, "middle": 0.5, "end": 1.0}
