"""Bytes → a file that is whole or as it was, whatever happens: temporary file, flush to disk,
rename, directory flush.

All that is written goes through here: figures, exports, mended specs, saves of the page, and what a
run leaves."""

from __future__ import annotations

import errno
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".partial-"
"""What the name of a file begins with while it is written."""

_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EFBIG: "the file would be larger than the limit (`ulimit -f` says it)",
    errno.EMFILE: "too many files are open (`ulimit -n` says how many may be)",
    errno.ENXIO: "it is a pipe or socket that nobody reads",
    errno.EISDIR: "it is a directory",
    errno.ENOTDIR: "a part of its path is a file, not a directory",
    errno.ENOENT: "there is no such file or directory",
    errno.ELOOP: "its symbolic links lead in a circle",
    errno.EAGAIN: "it is not ready, or another program has locked it",
}


def reason(error: Exception) -> str:
    """Why, in a user's words."""
    if not isinstance(error, OSError):
        return str(error)
    text = _WORDS.get(error.errno or 0) or error.strerror or str(error)
    return text[:1].lower() + text[1:]


def read_file(path: Path) -> bytes:
    """All of a regular file. Raises `OSError`, also for a pipe or a device, which would be waited
    for without end."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(
            errno.EINVAL, "it is a pipe or a device, not a file", str(path)
        )
    return path.read_bytes()


@contextmanager
def readable(
    path: Path, refused: type[Exception], then: str = ""
) -> Iterator[None]:
    """Around what reads a file or folder: where that fails, why, and `then`."""
    try:
        yield
    except OSError as error:
        raise refused(
            f"{path} cannot be read: {reason(error)}{then}"
        ) from error


def temporary_beside(path: Path) -> Path:
    """A new name in the folder of a file, for its content until that is whole."""
    return path.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")


def replace_text(path: Path, text: str) -> None:
    """Writes a text in place of that of a file, as `write_file` does; what stands before it, its
    byte-order mark, stays."""
    with path.open("rb") as file:
        has_mark = file.read(len(BOM_UTF8)) == BOM_UTF8
    write_file(path, (BOM_UTF8 if has_mark else b"") + text.encode())


def write_file(
    path: Path, content: bytes, *, overwrite: bool = True
) -> None:
    """Writes `path` so that a reader sees the old file or the new, never a part.

    A symbolic link stays, and the file that it names is written; mode and owner stay too. A device,
    or a pipe that somebody reads, is written into. Raises `OSError`; the old file is then as it
    was."""
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(
            errno.EEXIST, os.strerror(errno.EEXIST), str(path)
        )
    target = Path(os.path.realpath(path))
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    if before and not stat.S_ISREG(before.st_mode):
        _write_into(target, content)
        return
    temporary = temporary_beside(target)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            if before:
                _keep_owner(temporary, before)
            os.fsync(file.fileno())
        os.replace(temporary, target)  # noqa: PTH105  (the tests stop the process at this very call)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _write_into(target: Path, content: bytes) -> None:
    """Into what is no regular file, without waiting for a reader of a pipe."""
    descriptor = os.open(target, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "wb") as file:
        if hasattr(os, "set_blocking"):
            os.set_blocking(descriptor, True)
        file.write(content)


def _keep_owner(path: Path, before: os.stat_result) -> None:
    if hasattr(os, "chown"):
        # only an administrator can give a file away
        with suppress(OSError):
            os.chown(path, before.st_uid, before.st_gid)
    path.chmod(stat.S_IMODE(before.st_mode))


def _sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable; where the platform cannot (Windows), renames are as
    good as it gets."""
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
