"""What Python and its libraries raise where the machine is at fault → the error that a user is told
of.

The one place where such exceptions are known: no memory, no room, no permission, a package that is
missing or damaged. Whatever is none of them is a bug of ours."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb

from .errors import MissingError, ResgraphError, TrainingError, UsageError
from .files import reason
from .packages import unusable_package

_NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "Cannot allocate memory",
    "bad alloc",
)
_NO_THREADS = ("can't start new thread", "Resource temporarily unavailable")
_STARTERS = (
    "subprocess",
    "popen_fork",
    "popen_spawn_posix",
    "popen_forkserver",
    "threading",
    "util",
)
"""The modules of Python that start processes."""


def translated(
    error: BaseException, arguments: Sequence[str] = ()
) -> ResgraphError | None:
    """The error of a user whose machine or environment is at fault; None where the fault is ours.

    `arguments` are those of the command line: what cannot be used there was asked for.
    """
    if is_out_of_memory(error):
        return TrainingError(
            "out of memory; free some or allow more (`ulimit -v` says the limit), or take a smaller"
            " net, batch, picture or `--workers`"
        )
    if lacks := unusable_package(error):
        return MissingError(lacks)
    if _starts_nothing(error):
        return MissingError(
            "the system starts no more threads or processes; `ulimit -u` says how many it allows"
        )
    if isinstance(error, OSError):
        return _unusable_file(error, arguments)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, of a GPU or of the machine."""
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    ):
        return True
    if isinstance(error, ImportError | SystemError) and _is_limited():
        # how libraries fail for want of room
        return "map segment" in str(error) or isinstance(error, SystemError)
    return isinstance(error, RuntimeError) and any(
        word in str(error) for word in _NO_MEMORY
    )


def _starts_nothing(error: BaseException) -> bool:
    """Whether the system refused a thread or a process. What it calls that, it also calls a file
    that is not ready."""
    if isinstance(error, RuntimeError):
        return any(word in str(error) for word in _NO_THREADS)
    if not isinstance(error, OSError) or error.errno != errno.EAGAIN:
        return False
    files = [
        Path(frame.f_code.co_filename).stem
        for frame, _ in walk_tb(error.__traceback__)
    ]
    return bool(files) and files[-1] in _STARTERS


def _is_limited() -> bool:
    """Whether this process may have only so much memory (`ulimit -v`)."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    return (
        resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    )


def _unusable_file(
    error: OSError, arguments: Sequence[str]
) -> ResgraphError:
    place = error.filename
    if isinstance(place, bytes):
        place = place.decode(errors="replace")
    if not (place and isinstance(place, str)):
        return _of_environment(f"the system refused: {reason(error)}")
    what = f"cannot use {place}: {reason(error)}"
    folders = tuple(f"{given}/" for given in arguments if given)
    if place in arguments or place.startswith(folders):
        return UsageError(what)
    return _of_environment(what)


def _of_environment(what: str) -> MissingError:
    return MissingError(
        f"{what}; the environment has to be mended, then try again"
    )
