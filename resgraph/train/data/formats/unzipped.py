"""A file that gzip packed → the same unpacked, in a cache: in a packed one nothing can be read
at its place."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO

from ....errors import TrainingError
from ....files import temporary_beside
from ...atomic_write import disk_error
from .index_cache import UNPACKED, keep_to, place_in_cache, used

MAGIC = b"\x1f\x8b"
MOST = 2**36
"""Bytes that a file may unpack to."""
CHUNK = 2**20


def plain(file: Path) -> Path:
    """The file itself where it is not packed. Raises `TrainingError` where it is damaged,
    `RunError` where the cache has no room."""
    with file.open("rb") as opened:
        if opened.read(2) != MAGIC:
            return file
    place = place_in_cache("unzipped", file, "").with_suffix(".tar")
    used(place)
    if not place.is_file():
        _unzip(file, place)
    return place


def _unzip(file: Path, place: Path) -> None:
    temporary = temporary_beside(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        keep_to(UNPACKED[0], place.parent, UNPACKED[1])
        with temporary.open("xb") as out:
            _copy(file, out)
        temporary.replace(place)
    except OSError as error:
        raise disk_error(place.parent, error, saved=False) from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy(file: Path, out: IO[bytes]) -> None:
    try:
        with gzip.open(file) as packed:
            while chunk := packed.read(CHUNK):
                out.write(chunk)
                if out.tell() > MOST:
                    raise TrainingError(
                        f"{file} unpacks to more than {MOST:,} bytes"
                    )
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TrainingError(
            f"{file} is damaged: what gzip packed cannot be unpacked ({error}); copy it again"
        ) from error
