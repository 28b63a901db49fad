"""The indices of shards, kept in `$XDG_CACHE_HOME/resgraph/shards` (else `~/.cache/…`), which may
be deleted.

A file for each shard, by the shard's path, size and time of change; it begins with its own
checksum, so a damaged one is as none. The oldest go where all together are larger than `MOST`
bytes."""

from __future__ import annotations

import hashlib
import io
import os
import time
from contextlib import suppress
from pathlib import Path

import numpy

from ....errors import RunError
from ....files import write_file

Index = numpy.ndarray[tuple[int, int], numpy.dtype[numpy.int64]]
"""A row for each image: where it begins, its bytes, its label."""
MOST = 2**30
UNPACKED = 2**36, 30 * 24 * 3600.0
"""Bytes of a cache of what was unpacked, and for how many seconds nothing of it goes."""
FORMAT = "2"
_SUM = hashlib.sha256().digest_size


def cache_folder(kind: str) -> Path:
    """The folder of one kind of cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "resgraph" / kind


def place_in_cache(kind: str, file: Path, facts: str) -> Path:
    """Where that cache has what was made, by these facts, of a file as it is now."""
    status = file.stat()
    known = (
        f"{file.resolve()} {status.st_size} {status.st_mtime_ns} {facts}"
    )
    name = hashlib.sha256(
        known.encode("utf-8", "surrogateescape")
    ).hexdigest()[:32]
    return cache_folder(kind) / name


def read_index(shard: Path, by: str = "") -> Index | None:
    """The index of a shard as it is now, its labels read `by` these facts; None where there is
    none, or it is not one that was written for it."""
    try:
        data = _place(shard, by).read_bytes()
        if hashlib.sha256(data[_SUM:]).digest() != data[:_SUM]:
            return None
        found: Index = numpy.load(
            io.BytesIO(data[_SUM:]), allow_pickle=False
        )
    # RuntimeError: there is no home
    except (
        OSError,
        ValueError,
        EOFError,
        RuntimeError,
    ):
        return None
    sound = (
        found.dtype == numpy.int64
        and found.ndim == 2
        and found.shape[1] == 3
    )
    if not sound or (
        len(found)
        and (
            found.min() < 0
            or int((found[:, 0] + found[:, 1]).max()) > shard.stat().st_size
        )
    ):
        return None
    return found


def write_index(shard: Path, index: Index, by: str = "") -> None:
    """Writes an index; where that cannot be, the next run walks over the shard again."""
    buffer = io.BytesIO()
    numpy.save(buffer, index, allow_pickle=False)
    content = buffer.getvalue()
    with suppress(OSError, RunError, RuntimeError):
        place = _place(shard, by)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_file(place, hashlib.sha256(content).digest() + content)
        keep_to(MOST, place.parent)


def _place(shard: Path, by: str) -> Path:
    return place_in_cache("shards", shard, FORMAT + by).with_suffix(
        ".index"
    )


def used(*files: Path) -> None:
    """Says that files of a cache are in use, by their times."""
    for file in files:
        with suppress(OSError):
            os.utime(file)


def keep_to(most: int, folder: Path, idle: float = 0.0) -> None:
    """Removes what was used least recently where a cache has more than `most` bytes, but nothing
    that was used within `idle` seconds: a run may be reading it."""
    files = [
        (status.st_mtime, status.st_size, path)
        for path in folder.iterdir()
        if (status := path.stat())
    ]
    total = sum(size for _, size, _ in files)
    for last, size, path in sorted(files):
        if total <= most or time.time() - last < idle:
            return
        path.unlink(missing_ok=True)
        total -= size
