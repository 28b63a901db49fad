"""Bytes → files that are whole or absent whatever happens: temporary file, flush to disk, rename, directory
flush.
"""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from pathlib import Path

from ..errors import RunError

TEMPORARY = ".partial-"


def write_whole(path: Path, content: bytes | str) -> str:
    """Writes `path` so that a reader sees the old file or the new, never a part. Returns the SHA-256 of the
    content.

    Raises `RunError` where the disk is full, read-only or gone; the old file is then as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary, saved = path.with_name(f"{TEMPORARY}{path.name}"), _holds_files(path.parent)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  (the tests stop the process at this very call)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise disk_error(path, error, saved=saved) from error
    return hashlib.sha256(data).hexdigest()


def append_line(path: Path, line: str) -> None:
    """Adds a line and flushes it to disk."""
    try:
        with path.open("ab") as file:
            file.write(line.encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise disk_error(path, error) from error


def sweep(directory: Path) -> None:
    """Removes what a killed writer left behind."""
    for leftover in directory.glob(f"{TEMPORARY}*"):
        leftover.unlink(missing_ok=True)


def disk_error(path: Path, error: OSError, *, saved: bool = True) -> RunError:
    """The error in a user's words; `saved` where something was there before."""
    why = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EROFS: "the file system is read-only",
        errno.EACCES: "permission is denied",
        errno.EPERM: "permission is denied",
    }.get(error.errno or 0, error.strerror or str(error))
    return RunError(f"cannot write {path}: {why}" + ("; what was saved before is intact" if saved else ""))


def _holds_files(directory: Path) -> bool:
    """Whether something was saved there."""
    try:
        return any(entry.is_file() and not entry.name.startswith(".") for entry in directory.iterdir())
    except OSError:
        return False


def _sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable; where the platform cannot (Windows), renames are as good as it
    gets.
    """
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
