"""A font file and a line of text → the letters as curves, so that a picture needs no font.

Of TrueType and OpenType, alone or in a collection, curves in the table `glyf` are read (Apple's and
Microsoft's specifications of it agree). Letters are set one after another by their advances."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import cos, radians, sin
from pathlib import Path

from ...errors import UsageError
from . import fonts
from .formats.pen import flat
from .scene import Curve, Outline, Point, Primitive, Scene, ShapeGroup, Text

Dots = list[tuple[Point, bool]]
"""The points of a closed curve, and whether it runs through each or is only bent towards it."""
Matrix = tuple[float, float, float, float, float, float]
_DEEPEST = 8
"""How many letters may be made of one another: none of a real font is deeper than three."""


@dataclass(slots=True)
class Typeface:
    """One font file, read as far as it is asked."""

    name: str
    tables: Mapping[bytes, bytes]
    glyphs: Mapping[int, int]
    drawn: dict[int, list[Dots]] = field(default_factory=dict)

    @property
    def units(self) -> int:
        """The size of its grid."""
        return int(struct.unpack_from(">H", self.tables[b"head"], 18)[0])

    def advance(self, code: int) -> float:
        """The width of a character, in parts of the size."""
        counted = struct.unpack_from(">H", self.tables[b"hhea"], 34)[0]
        at = 4 * min(self.glyphs[code], counted - 1)
        return float(struct.unpack_from(">H", self.tables[b"hmtx"], at)[0] / self.units)

    def curves(self, code: int) -> list[Curve]:
        """A character's closed curves, in parts of the size, y up."""
        glyph = self.glyphs[code]
        if glyph not in self.drawn:
            self.drawn[glyph] = list(self.contours(glyph))
        scale = 1 / self.units
        return [
            _curve([((x * scale, y * scale), on) for (x, y), on in dots])
            for dots in self.drawn[glyph]
            if len(dots) > 1
        ]

    def contours(self, glyph: int, depth: int = 0) -> Iterator[Dots]:
        """The curves of a glyph, of others that it is made of as well."""
        data = self._outline(glyph)
        if not data or depth > _DEEPEST:
            return
        if (count := struct.unpack_from(">h", data)[0]) >= 0:
            yield from _simple(data, count)
            return
        for part, matrix in _parts(data):
            for dots in self.contours(part, depth + 1):
                yield [(_moved(point, matrix), on) for point, on in dots]

    def _outline(self, glyph: int) -> bytes:
        if b"glyf" not in self.tables:
            raise UsageError(
                f"the font {self.name} has PostScript's curves (CFF), and `--text paths` takes"
                " TrueType's: give another, or write PNG or PDF"
            )
        form = ">2I" if self.tables[b"head"][51] else ">2H"
        step = struct.calcsize(form)
        start, end = struct.unpack_from(form, self.tables[b"loca"], glyph * step // 2)
        times = 1 if step == 8 else 2
        return self.tables[b"glyf"][start * times : end * times]


@cache
def typeface(path: Path) -> Typeface:
    """A font file. Raises `UsageError` where it cannot be read, or is none."""
    tables, glyphs = fonts.read(path)
    return Typeface(path.name, tables, glyphs)


def outlined(scene: Scene, font: Path | None) -> None:
    """Turn each line of a scene's text into curves, in place; letters that the packaged font lacks
    are those of `font`. Raises `UsageError` for a letter that both lack, or that changes by its
    neighbours (Arabic, Hindi)."""
    texts = [shape.text for shape in flat(scene.items) if isinstance(shape, Text)]
    check(texts, font)
    try:
        scene.items = [_drawn(item, font) for item in scene.items]
    except (struct.error, IndexError):
        raise UsageError(
            f"the font {font} is damaged: a letter has no outline"
        ) from None


def check(texts: Iterable[str], font: Path | None) -> None:
    """Raises `UsageError` for a letter that cannot be drawn."""
    used = dict.fromkeys(unicodedata.normalize("NFC", "".join(texts)))
    if shaped := [c for c in used if _is_shaped(c)]:
        raise UsageError(
            f"`--text paths` cannot draw {fonts.named(shaped)}, which changes by its neighbours;"
            " leave the text as letters, or write PNG or PDF"
        )
    if lacking := fonts.lacking(used, font):
        raise UsageError(f"`--text paths` cannot draw {fonts.missing(lacking, font)}")


def _is_shaped(character: str) -> bool:
    """Whether its script joins or reorders letters: Hebrew to Burmese, Khmer and Mongolian, and
    accents that stay apart."""
    code = ord(character)
    return (
        bool(unicodedata.combining(character))
        or 0x0590 <= code <= 0x109F
        or 0x1780 <= code <= 0x18AF
    )


def _drawn(item: Primitive | ShapeGroup, font: Path | None) -> Primitive | ShapeGroup:
    if isinstance(item, ShapeGroup):
        shapes = [_shape(shape, font) for shape in item.shapes]
        return replace(item, shapes=shapes)
    return _shape(item, font)


def _shape(shape: Primitive, font: Path | None) -> Primitive:
    return _outline(shape, font) if isinstance(shape, Text) else shape


def _outline(text: Text, font: Path | None) -> Outline:
    """A line of text as curves about its anchor, y down."""
    own = typeface(
        fonts.packaged()[fonts.FACES.index(fonts.face(text.weight, text.italic))]
    )
    pen, placed = 0.0, []
    for code in map(ord, unicodedata.normalize("NFC", text.text)):
        face = typeface(font) if font and code not in own.glyphs else own
        placed.append((pen, face.curves(code)))
        pen += face.advance(code)
    start = -pen * _SHARES[text.anchor]
    turn = radians(text.turn)
    across, down = text.size * cos(turn), text.size * sin(turn)
    matrix = across, down, down, -across, 0.0, 0.0
    curves = tuple(
        tuple(_moved((start + at + x, y), matrix) for x, y in curve)
        for at, letter in placed
        for curve in letter
    )
    return Outline(text.x, text.y, curves, text.fill)


_SHARES = {"start": 0.0, "middle": 0.5, "end": 1.0}


def _moved(point: Point, matrix: Matrix) -> Point:
    """A point through the matrix (xx, xy, yx, yy, dx, dy)."""
    (x, y), (xx, xy, yx, yy, dx, dy) = point, matrix
    return xx * x + yx * y + dx, xy * x + yy * y + dy


def _curve(dots: Dots) -> Curve:
    """Start, bend, end, bend, end …: between two bends there is an end halfway, and a straight line
    is bent at its start."""
    full: Dots = []
    for (point, on), (after, next_on) in zip(dots, [*dots[1:], dots[0]], strict=True):
        full.append((point, on))
        if on == next_on:
            full.append((point, False) if on else (_halfway(point, after), True))
    start = next(place for place, (_, on) in enumerate(full) if on)
    turned = [*full[start:], *full[: start + 1]]
    return tuple(point for point, _ in turned)


def _halfway(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _simple(data: bytes, count: int) -> Iterator[Dots]:
    """The curves of a glyph that is not made of others."""
    ends = struct.unpack_from(f">{count}H", data, 10)
    at = 10 + 2 * count
    at += 2 + int(struct.unpack_from(">H", data, at)[0])
    total = ends[-1] + 1 if ends else 0
    flags: list[int] = []
    while len(flags) < total:
        flags.append(data[at])
        at += 1
        if flags[-1] & 8:
            flags += [flags[-1]] * data[at]
            at += 1
    xs, at = _places(data, at, [(flag & 2, flag & 16) for flag in flags[:total]])
    ys, at = _places(data, at, [(flag & 4, flag & 32) for flag in flags[:total]])
    dots = [((x, y), bool(flag & 1)) for x, y, flag in zip(xs, ys, flags, strict=False)]
    for first, last in zip((-1, *ends), ends, strict=False):
        yield dots[first + 1 : last + 1]


def _places(
    data: bytes, at: int, kinds: Iterable[tuple[int, int]]
) -> tuple[list[float], int]:
    """Coordinates on one axis, each a step from the one before: a byte, whose sign its kind has, a
    word, or none."""
    place, out = 0, []
    for short, same in kinds:
        if short:
            place += data[at] if same else -data[at]
            at += 1
        elif not same:
            place += struct.unpack_from(">h", data, at)[0]
            at += 2
        out.append(float(place))
    return out, at


def _parts(data: bytes) -> Iterator[tuple[int, Matrix]]:
    """The glyphs that one is made of, and where each is put."""
    at, more = 10, True
    while more:
        flags, glyph = struct.unpack_from(">HH", data, at)
        dx, dy = struct.unpack_from(">hh" if flags & 1 else ">bb", data, at + 4)
        at += 8 if flags & 1 else 6
        count = next((n for bit, n in _SCALES.items() if flags & bit), 0)
        scales = [v / 16384 for v in struct.unpack_from(f">{count}h", data, at)]
        at += 2 * count
        xx, xy, yx, yy = _SQUARE[count](scales)
        moved = (dx, dy) if flags & 2 else (0, 0)
        yield glyph, (xx, xy, yx, yy, *moved)
        more = bool(flags & 32)


_SCALES = {0x8: 1, 0x40: 2, 0x80: 4}
"""How many numbers say the scale of a part, by the flag that is set."""
_SQUARE: Mapping[int, Callable[[Sequence[float]], Sequence[float]]] = {
    0: lambda _: (1, 0, 0, 1),
    1: lambda s: (s[0], 0, 0, s[0]),
    2: lambda s: (s[0], 0, 0, s[1]),
    4: lambda s: s,
}
