"""A .mat file of MATLAB 5 to 7 → one of its struct arrays, as far as ImageNet's devkit has it.

"MAT-File Format" (MathWorks) tells it: a head of 128 bytes, then elements, each a type and a size
before its bytes; a matrix is an element of elements, and zlib may pack one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ....errors import TrainingError
from ....files import read_file, reason

HEAD = 128
MATRIX, COMPRESSED = 14, 15
STRUCT, CHARACTERS = 2, 4
FORMATS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q",
           16: "B", 17: "H"}  # fmt: skip
"""Of the values of a type, as `struct` has them; 16 and 17 are text in UTF-8 and UTF-16."""
MOST = 2**26
"""Bytes of an element that is unpacked."""
MatValue = str | float | None


def read_structs(path: Path, name: str) -> list[dict[str, MatValue]]:
    """The rows of a struct array: text and single numbers by field, None for all else. Raises
    `TrainingError` where there is none of that name."""
    try:
        data = read_file(path)
        for kind, body in _elements(data[HEAD:]):
            if kind == COMPRESSED:
                ((kind, body), *_) = _elements(
                    zlib.decompressobj().decompress(body, MOST)
                )
            if (
                kind == MATRIX
                and (rows := _structs(body, name)) is not None
            ):
                return rows
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be read: {reason(error)}"
        ) from error
    except (
        ValueError,
        IndexError,
        KeyError,
        struct.error,
        zlib.error,
    ) as error:
        raise TrainingError(
            f"{path} is damaged, or no .mat file: {error}"
        ) from error
    raise TrainingError(f"{path} has no struct `{name}`")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each; what has up to four bytes stands within its own head."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        start, end = at + 8, at + 8 + size
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            start, end = at + 4, at + 4 + size
            at += 8
        else:
            # a packed element is not filled up to eight bytes
            at = end if kind == COMPRESSED else end + -size % 8
        if end > len(data):
            raise ValueError("it ends before its time")
        yield kind, data[start:end]


def _structs(body: bytes, name: str) -> list[dict[str, MatValue]] | None:
    """None where the matrix is no struct of that name."""
    (_, flags), (_, _), (_, own), *rest = _elements(body)
    if flags[0] != STRUCT or own.decode("ascii") != name:
        return None
    (_, width), (_, names), *cells = rest
    (length,) = struct.unpack("<i", width)
    fields = [
        names[at : at + length].split(b"\0")[0].decode("ascii")
        for at in range(0, len(names), length)
    ]
    values = [_cell(cell) for _, cell in cells]
    starts = range(0, len(values), len(fields))
    return [
        dict(zip(fields, values[at : at + len(fields)], strict=True))
        for at in starts
    ]


def _cell(body: bytes) -> MatValue:
    """Text, or a number that stands alone."""
    (_, flags), (_, _), (_, _), *rest = _elements(body)
    if not rest or flags[0] == STRUCT or rest[0][0] not in FORMATS:
        return None
    kind, raw = rest[0]
    values = struct.unpack(
        f"<{len(raw) // struct.calcsize(FORMATS[kind])}{FORMATS[kind]}", raw
    )
    if flags[0] == CHARACTERS:
        return "".join(map(chr, values))
    return float(values[0]) if len(values) == 1 else None
