"""A font file → the characters that it has and the width of each; and the fonts that come with
resgraph.

PNG and PDF are drawn with these fonts alone, so that a picture is the same on every machine, and
layouts take their widths from the same files. `fonts/make.sh` makes them again."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path

from ...errors import UsageError
from ...files import reason

FAMILY = "Inter"
FOLDER = Path(__file__).with_name("fonts")
FACES = ("Regular", "Medium", "Bold", "Italic")


@cache
def advances(face: str) -> Mapping[int, float]:
    """Of one of `FACES`, each character (its code point) and its width in thousandths of the
    size."""
    return widths((FOLDER / f"{FAMILY}-{face}.ttf").read_bytes())


def widths(data: bytes) -> Mapping[int, float]:
    """Of a font file, the same."""
    tables = _tables(data)
    units = struct.unpack_from(">H", tables[b"head"], 18)[0]
    counted = struct.unpack_from(">H", tables[b"hhea"], 34)[0]
    found = struct.unpack_from(">" + "Hh" * counted, tables[b"hmtx"])[::2]
    return {
        code: found[min(glyph, counted - 1)] * 1000 / units
        for code, glyph in _characters(tables[b"cmap"]).items()
    }


def packaged() -> list[Path]:
    """The files that come with resgraph."""
    return [FOLDER / f"{FAMILY}-{face}.ttf" for face in FACES]


@cache
def read(path: Path) -> tuple[Mapping[bytes, bytes], Mapping[int, int]]:
    """The tables of a font file, and the glyph of each character. Raises `UsageError` where it
    cannot be read, or is none."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise UsageError(
            f"cannot read the font {path}: {reason(problem)}"
        ) from None
    try:
        found = _tables(data)
        return found, _characters(found[b"cmap"])
    except (struct.error, KeyError):
        raise no_font(path) from None


def no_font(path: Path) -> UsageError:
    """The error for a file that is none."""
    return UsageError(
        f"{path} is no TrueType or OpenType font (.ttf, .otf, .ttc)"
    )


def face(weight: int, italic: bool = False) -> str:
    """Which of `FACES` a text is set in: from 600 on bold, from 450 on medium."""
    return (
        "Italic"
        if italic
        else "Bold"
        if weight >= 600
        else "Medium"
        if weight >= 450
        else "Regular"
    )


def lacking(text: Iterable[str], font: Path | None = None) -> list[str]:
    """The characters of `text` that the fonts lack, and the file `font` as well, each once."""
    known = set(advances("Regular")) | set(read(font)[1] if font else ())
    return [c for c in dict.fromkeys("".join(text)) if ord(c) not in known]


def missing(characters: Sequence[str], font: Path | None) -> str:
    """What to say of characters that cannot be drawn, and what helps."""
    said = f"{named(characters)}: the font that comes with resgraph (Latin, Greek, Cyrillic, signs)"
    if font:
        return f"{said} has no such letter, and {font} neither; give one that has, or rename it"
    return (
        f"{said} has no such letter; name one that has, as `--font FILE.ttf`, write SVG or HTML,"
        " which the reader's own fonts show, or rename it"
    )


def named(characters: Sequence[str], most: int = 8) -> str:
    """Characters as a message says them: `中 (U+4E2D), 文 (U+6587)`."""
    said = []
    for each in characters[:most]:
        code = " ".join(f"U+{ord(c):04X}" for c in each)
        said.append(f"{each} ({code})" if each.isprintable() else code)
    return ", ".join(said) + (
        f" and {len(characters) - most} others"
        if len(characters) > most
        else ""
    )


def _tables(data: bytes) -> dict[bytes, bytes]:
    """Of a collection those of its first font."""
    start = (
        struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    )
    total = struct.unpack_from(">H", data, start + 4)[0]
    found = (
        struct.unpack_from(">4s4xII", data, start + 12 + 16 * index)
        for index in range(total)
    )
    return {
        name: data[start : start + length] for name, start, length in found
    }


def _characters(cmap: bytes) -> dict[int, int]:
    """The glyph of each code point that has one: of all planes where the table has them, else of
    the first one."""
    read = struct.unpack_from
    starts = [
        read(">I", cmap, 8 + 8 * at)[0]
        for at in range(read(">H", cmap, 2)[0])
    ]
    forms = {
        read(">H", cmap, start)[0]: start for start in reversed(starts)
    }
    found = (
        _runs(cmap, forms[12]) if 12 in forms else _segments(cmap, forms[4])
    )
    return {code: glyph for code, glyph in found if glyph}


def _runs(cmap: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Format 12: runs of code points and of glyphs."""
    runs = struct.unpack_from(">I", cmap, start + 12)[0]
    for at in range(start + 16, start + 16 + 12 * runs, 12):
        low, last, glyph = struct.unpack_from(">3I", cmap, at)
        yield from zip(range(low, min(last, 0x10FFFF) + 1), count(glyph))


def _segments(cmap: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Format 4: segments with an offset or with a list of glyphs."""

    def number(at: int) -> int:
        return int(struct.unpack_from(">H", cmap, at)[0])

    double = number(start + 6)
    for index in range(0, double, 2):
        # Four lists, one after another: the last code of each segment, its first one (behind two
        # bytes of padding), what is added to a code or glyph, and where its list of glyphs begins.
        last = number(start + 14 + index)
        first, delta, at = (
            start + 16 + double * k + index for k in (1, 2, 3)
        )
        offset = number(at)
        low = number(first)
        for code in range(low, min(last, 0xFFFE) + 1):
            glyph = (
                number(at + offset + 2 * (code - low)) if offset else code
            )
            yield (
                code,
                (glyph + number(delta)) & 0xFFFF
                if glyph or not offset
                else 0,
            )
