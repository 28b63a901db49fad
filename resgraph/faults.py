"""What Python and its libraries raise where the machine is at fault → the error that a user is told
of.

The one place where such exceptions are known: no memory, no room, no permission, a package that is
missing or damaged. Whatever is none of them is a bug of ours."""

from __future__ import annotations

import dis
import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

from .errors import (
    MissingError,
    ResgraphError,
    TrainingError,
    UsageError,
    first_few,
)
from .files import reason

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
_PACKAGES = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "resvg_py": "resvg-py",
    "fontTools": "fonttools",
}
"""What is installed under another name than it is imported by."""


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
    if package := _unusable_package(error):
        return MissingError(_reinstall(package, error))
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


def _unusable_package(error: BaseException) -> str:
    """The package that cannot be imported, if that is what went wrong: it is missing, or what is
    there is damaged."""
    if isinstance(error, ImportError) and error.name:
        package, _, inner = error.name.partition(".")
        # a name that a module of ours does not have is a bug
        bug = package == "resgraph" and inner and type(error) is ImportError
        return "" if bug else package
    own = [*filter(_is_own, _tracebacks(error))]
    if not own:
        return ""
    module = _imported_at(own[-1]) or _imported_below(own[-1])
    return module.partition(".")[0]


def _tracebacks(error: BaseException) -> Iterator[TracebackType]:
    """The functions on the way to an error, the outermost first."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_own(traceback: TracebackType) -> bool:
    file = traceback.tb_frame.f_code.co_filename
    return Path(file).is_relative_to(Path(__file__).parent)


def _imported_below(traceback: TracebackType) -> str:
    """The foreign module that failed in its own first lines, where a library imports its parts only
    when it runs."""
    for frame, _ in walk_tb(traceback.tb_next):
        if frame.f_code.co_name == "<module>":
            return str(frame.f_globals.get("__name__", ""))
    return ""


def _imported_at(traceback: TracebackType) -> str:
    """What a function was importing when it was left, if it was."""
    name, level = "", 0
    for instruction in dis.get_instructions(traceback.tb_frame.f_code):
        if instruction.opname == "LOAD_CONST" and isinstance(
            instruction.argval, int
        ):
            # how many dots stand before the name: what is imported is our own
            level = instruction.argval
        if instruction.opname == "IMPORT_NAME":
            name = "resgraph" if level else str(instruction.argval)
        if instruction.offset == traceback.tb_lasti:
            return (
                name
                if instruction.opname in ("IMPORT_NAME", "IMPORT_FROM")
                else ""
            )
    return ""


def _reinstall(package: str, error: BaseException) -> str:
    from importlib import metadata  # slow to import

    lines = filter(str.strip, str(error).splitlines())
    said = next(lines, type(error).__name__)[:200]
    if package == "resgraph":
        return (
            f"this copy of resgraph is not whole ({said});"
            " pip install --force-reinstall resgraph"
        )
    name = _PACKAGES.get(package, package)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        extra = _extra_of(name)
        wanted = f"'resgraph[{extra}]'" if extra else name
        return f"{name} is not installed: pip install {wanted}"
    except Exception:  # its description is as damaged as it is
        version = "(of an unknown version)"
    told = f"{name} {version} cannot be imported ({said}); "
    own = (package.upper(), f"PY{package.upper()}")
    read = sorted(key for key in os.environ if key.startswith(own))
    # junk there is likelier than damage
    if read and not isinstance(error, ImportError):
        told += f"check what you set for it ({first_few(read, 5)}), or "
    return f"{told}pip install --force-reinstall {name}"


def _extra_of(name: str) -> str:
    """The extra of resgraph that brings a package, or nothing."""
    from importlib import metadata  # slow to import

    try:
        needed = metadata.requires("resgraph") or []
    except Exception:
        return ""
    for line in needed:
        requirement, _, marker = line.partition(";")
        needs = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if needs.lower() == name.lower() and "extra" in marker:
            return marker.rpartition("==")[2].strip(" '\"")
    return ""
