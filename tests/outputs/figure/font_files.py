"""Font files made in a test: tables, and glyphs of curves that the test knows."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from resgraph.outputs.figure import fonts


def packed(tables: Mapping[bytes, bytes], start: int = 0) -> bytes:
    """A font file of tables; places are counted from `start` before it."""
    at = start + 12 + 16 * len(tables)
    head = b"\0\1\0\0" + struct.pack(">4H", len(tables), 16, 0, 0)
    body = b""
    for name, data in sorted(tables.items()):
        head += struct.pack(">4s3I", name, 0, at + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    return head + body


def many(*files: Mapping[bytes, bytes]) -> bytes:
    """A collection of one font and what stands for others."""
    head = b"ttcf" + struct.pack(
        ">3I", 0x10000, len(files), 12 + 4 * len(files)
    )
    head += b"\0" * 4 * (len(files) - 1)
    return head + packed(files[0], len(head))


def runs(codes: Mapping[int, int]) -> bytes:
    """A `cmap` of format 12: a run for each character."""
    groups = b"".join(
        struct.pack(">3I", c, c, g) for c, g in sorted(codes.items())
    )
    body = (
        struct.pack(">HHIII", 12, 0, 16 + len(groups), 0, len(codes))
        + groups
    )
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + body


def glyph(*contours: list[tuple[int, int, bool]]) -> bytes:
    """A simple glyph: points, and whether the curve runs through each."""
    ends, dots = [], []
    for contour in contours:
        dots += contour
        ends.append(len(dots) - 1)
    out = struct.pack(">h4h", len(contours), 0, 0, 0, 0)
    out += struct.pack(f">{len(ends)}HH", *ends, 0)
    out += bytes(int(on) for _, _, on in dots)
    for axis in (0, 1):
        before = 0
        for dot in dots:
            out += struct.pack(">h", dot[axis] - before)
            before = dot[axis]
    return out


def made(
    glyphs: list[bytes], advances: list[int], codes: Mapping[int, int]
) -> dict[bytes, bytes]:
    """The tables of a font of 1,000 units."""
    places, body = [0], b""
    for each in glyphs:
        body += each + b"\0" * (-len(each) % 4)
        places.append(len(body))
    head = bytearray(54)
    struct.pack_into(">H", head, 18, 1000)
    struct.pack_into(">h", head, 50, 1)
    hhea = bytearray(36)
    struct.pack_into(">H", hhea, 34, len(advances))
    return {
        b"head": bytes(head),
        b"hhea": bytes(hhea),
        b"hmtx": b"".join(struct.pack(">Hh", wide, 0) for wide in advances),
        b"loca": struct.pack(f">{len(places)}I", *places),
        b"glyf": body,
        b"cmap": runs(codes),
        b"maxp": struct.pack(">IH", 0x5000, len(glyphs)),
    }


def chinese() -> bytes:
    """The packaged font with two of its letters standing for 中 and 文."""
    path = fonts.packaged()[0]
    tables, glyphs = fonts.read(path)
    codes = {0x4E2D: glyphs[ord("M")], 0x6587: glyphs[ord("W")]}
    return packed({**tables, b"cmap": runs(codes)})
