"""The files of a run: written whole, or by whole lines, with a full or read-only disk in a user's
words."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from ..errors import RunError
from ..files import TEMPORARY, reason, write_file


def write_whole(path: Path, content: bytes | str) -> str:
    """Writes `path` whole or not at all. Returns the SHA-256 of the content.

    Raises `RunError` where the disk is full, read-only or gone; the old file is then as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    saved = _holds_files(path.parent)
    try:
        write_file(path, data)
    except OSError as error:
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
        # what is not ours, or cannot go, is in nobody's way
        with suppress(OSError):
            leftover.unlink()


def disk_error(
    path: Path, error: OSError, *, saved: bool = True
) -> RunError:
    """The error in a user's words; `saved` where something was there before."""
    return RunError(
        f"cannot write {path}: {reason(error)}"
        + ("; what was saved before is intact" if saved else "")
    )


def _holds_files(directory: Path) -> bool:
    """Whether something was saved there."""
    try:
        return any(
            entry.is_file() and not entry.name.startswith(".")
            for entry in directory.iterdir()
        )
    except OSError:
        return False
