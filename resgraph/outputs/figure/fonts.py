"""A font file → the characters that it has and the width of each; and the fonts that come with
resgraph.

PNG and PDF are drawn with these fonts alone, so that a picture is the same on every machine, and
layouts take their widths from the same files. `fonts/make.sh` makes them again."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

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
    characters = _characters(tables[b"cmap"])
    return {
        code: found[min(glyph, counted - 1)] * 1000 / units
        for code, glyph in characters
        if glyph
    }


def packaged() -> list[Path]:
    """The files that come with resgraph."""
    return [FOLDER / f"{FAMILY}-{face}.ttf" for face in FACES]


def lacking(text: Iterable[str]) -> list[str]:
    """The characters of `text` that the fonts lack, each once."""
    known = advances("Regular")
    return [c for c in dict.fromkeys("".join(text)) if ord(c) not in known]


def named(characters: Sequence[str], most: int = 8) -> str:
    """Characters as a message says them: `中 (U+4E2D), 文 (U+6587)`."""
    said = []
    for each in characters[:most]:
        code = " ".join(f"U+{ord(c):04X}" for c in each)
        said.append(f"{each} ({code})" if each.isprintable() else code)
    return ", ".join(said) + (
        f" and {len(characters) - most} others" if len(characters) > most else ""
    )


def _tables(data: bytes) -> dict[bytes, bytes]:
    count = struct.unpack_from(">H", data, 4)[0]
    found = (
        struct.unpack_from(">4s4xII", data, 12 + 16 * index) for index in range(count)
    )
    return {name: data[start : start + length] for name, start, length in found}


def _characters(cmap: bytes) -> Iterator[tuple[int, int]]:
    """Code points and glyphs of the first plane: format 4, of segments with an offset or with a
    list of glyphs."""

    def number(at: int, form: str = ">H") -> int:
        return int(struct.unpack_from(form, cmap, at)[0])

    starts = [number(8 + 8 * index, ">I") for index in range(number(2))]
    start = next(each for each in starts if number(each) == 4)
    double = number(start + 6)
    for index in range(0, double, 2):
        # Four lists, one after another: the last code of each segment, its first one (behind two
        # bytes of padding), what is added to a code or glyph, and where its list of glyphs begins.
        last = number(start + 14 + index)
        first, delta, at = (start + 16 + double * k + index for k in (1, 2, 3))
        offset, low = number(at), number(first)
        for code in range(low, min(last, 0xFFFE) + 1):
            glyph = number(at + offset + 2 * (code - low)) if offset else code
            yield code, (glyph + number(delta)) & 0xFFFF if glyph or not offset else 0
