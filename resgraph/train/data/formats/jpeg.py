"""The bytes of a JPEG → the pixels of a part of it: no row below is decoded, and all are at a
fraction of the size where that is enough.

resgraph_jpeg (the folder `native`) decodes where it is installed, and of the part alone; else
simplejpeg (extra `fast`), else Pillow: all by libjpeg-turbo, to the same pixels. The other two
read as many rows as the header says and leave the rest, so they are given a header that says
fewer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import Any, NamedTuple

import numpy
from PIL import Image

from ....structs import Frozen
from ...augment.crops import ImageSize, WholeBox

ByteImage = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]
"""(height, width, channels)."""


class FastDecoder(NamedTuple):
    """The function of a package that may decode in place of Pillow."""

    package: str
    decode: Callable[..., Any]


def fast_decoders() -> list[FastDecoder]:
    """Those that are installed, the fastest first."""
    found = []
    for package, function in (
        ("resgraph_jpeg", "part"),
        ("simplejpeg", "decode_jpeg"),
    ):
        with suppress(ImportError):
            decode = getattr(import_module(package), function)
            found.append(FastDecoder(package, decode))
    return found


FAST = next(iter(fast_decoders()), None)
START, END, MARKER = b"\xff\xd8", b"\xff\xd9", 0xFF
FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Markers of what both decoders read: by Huffman, at once or progressive."""
BEFORE_FRAME = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Markers of tables, comments and applications."""
TRAILER = 64
"""Bytes at the end in which a whole file has its end marker."""
FRACTIONS = (8, 4, 2, 1)
"""Of the size, that Pillow decodes at."""


class Jpeg(Frozen):
    """`rows` and `columns` are stored, in units of `unit` rows; `fraction` is how much smaller it
    is decoded, and `height_at` where the header has the rows."""

    data: bytes
    rows: int
    columns: int
    unit: int
    height_at: int
    fraction: int

    @classmethod
    def read(cls, data: bytes, min_side: int | None) -> Jpeg | None:
        """By the head of a file, at the fraction where sides of `min_side` are left. None of what
        is no JPEG, cut off, or of a kind that only Pillow reads: whole."""
        at = (
            _frame(data)
            if data.startswith(START) and END in data[-TRAILER:]
            else None
        )
        if at is None:
            return None
        rows, columns = (
            int.from_bytes(data[i : i + 2]) for i in (at + 5, at + 7)
        )
        deep, parts = data[at + 4], data[at + 9]
        if (
            deep != 8
            or parts not in (1, 3)
            or not 0 < rows * columns <= _most()
        ):
            return None
        unit = 8 * max(
            data[at + 11 + 3 * part] & 15 for part in range(parts)
        )
        most = min(rows, columns) // min_side if min_side else 1
        fraction = next((one for one in FRACTIONS if one <= most), 1)
        return cls(data, rows, columns, unit, at + 5, fraction)

    @property
    def size(self) -> ImageSize:
        """Width and height as decoded."""
        return -(-self.columns // self.fraction), -(
            -self.rows // self.fraction
        )

    def part(self, box: WholeBox, mode: str) -> tuple[ByteImage, str]:
        """The pixels within a box, in mode L or RGB, and why the fast decoder could not decode them
        ("" where it could, or there is none). Raises what Pillow raises."""
        why = ""
        if FAST is not None:
            try:
                return self._by(FAST, box, mode), ""
            except Exception as error:
                # whatever it is, Pillow has the last word
                why = f"{error}"
        return self._down_to(box)._by_pillow(box, mode), why

    def _by(self, fast: FastDecoder, box: WholeBox, mode: str) -> ByteImage:
        if fast.package == "simplejpeg":
            return self._down_to(box)._by_simplejpeg(fast.decode, box, mode)
        left, top, right, bottom = box
        channels = len(mode)
        pixels = fast.decode(self.data, box, self.fraction, channels)
        return numpy.frombuffer(pixels, numpy.uint8).reshape(
            bottom - top, right - left, channels
        )

    def _down_to(self, box: WholeBox) -> Jpeg:
        """Without the units of rows below. The colours of a row are made of the next one's, too."""
        row = box[3] * self.fraction
        rows = -(-(row + self.unit // 4) // self.unit) * self.unit
        if rows >= self.rows:
            return self
        data = bytearray(self.data)
        data[self.height_at : self.height_at + 2] = rows.to_bytes(2)
        return Jpeg(
            bytes(data),
            rows,
            self.columns,
            self.unit,
            self.height_at,
            self.fraction,
        )

    def _by_simplejpeg(
        self, decode: Callable[..., ByteImage], box: WholeBox, mode: str
    ) -> ByteImage:
        width, height = self.size if self.fraction > 1 else (0, 0)
        colours = "GRAY" if mode == "L" else mode
        # not strict: that the rows below are left is not to be an error
        pixels = decode(
            self.data,
            colours,
            min_height=height,
            min_width=width,
            strict=False,
        )
        if pixels.shape[1::-1] != self.size:
            raise ValueError(
                f"it has {pixels.shape[1]}x{pixels.shape[0]} pixels"
            )
        left, top, right, bottom = box
        return pixels[top:bottom, left:right]

    def _by_pillow(self, box: WholeBox, mode: str) -> ByteImage:
        with warnings.catch_warnings():
            # as of any file that is not ours
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(self.data)) as image:
                image.draft(
                    mode,
                    (
                        self.columns // self.fraction,
                        self.rows // self.fraction,
                    ),
                )
                found = image.crop(box)
        pixels = numpy.array(
            found if found.mode == mode else found.convert(mode)
        )
        return pixels if pixels.ndim == 3 else pixels[..., None]


def _frame(data: bytes) -> int | None:
    """Where the header of the picture begins."""
    at = len(START)
    while at + 20 < len(data) and data[at] == MARKER:
        if data[at + 1] in FRAMES:
            return at
        if data[at + 1] not in BEFORE_FRAME:
            return None
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def _most() -> int:
    """Pixels beyond which Pillow takes a file for an attack."""
    return Image.MAX_IMAGE_PIXELS or 1 << 62
