"""What Python and its libraries raise where the machine is at fault → the error that a user is told
of.

The one place where such exceptions are known: no memory, no room, no permission, a package that is
missing or damaged. Whatever is none of them is a bug of ours."""

from __future__ import annotations

import dis
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

from .errors import MissingError, ResgraphError, TrainingError, UsageError
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
    package = _unusable_package(error)
    if package:
        return MissingError(_reinstall(package, error))
    if _starts_nothing(error):
        return MissingError(
            "the system starts no more threads or processes; `ulimit -u` says how many it allows"
        )
    return (
        _unusable_file(error, arguments)
        if isinstance(error, OSError)
        else None
    )


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
    place = (
        error.filename if isinstance(error.filename, str | bytes) else ""
    )
    name = (
        place.decode(errors="replace")
        if isinstance(place, bytes)
        else place
    )
    what = (
        f"cannot use {name}: {reason(error)}"
        if name
        else f"the system refused: {reason(error)}"
    )
    asked = name and any(
        name == given or name.startswith(f"{given}/")
        for given in arguments
        if given
    )
    return (
        UsageError(what)
        if asked
        else MissingError(
            f"{what}; the environment has to be mended, then try again"
        )
    )


def _unusable_package(error: BaseException) -> str:
    """The package that cannot be imported, if that is what went wrong: it is missing, or what is
    there is damaged."""
    if isinstance(error, ImportError) and error.name:
        return (
            ""
            if error.name.startswith("resgraph.")
            and type(error) is ImportError
            else error.name.partition(".")[0]
        )
    last = None  # the last of our own functions on the way to the error
    traceback = error.__traceback__
    while traceback is not None:
        if Path(traceback.tb_frame.f_code.co_filename).is_relative_to(
            Path(__file__).parent
        ):
            last = traceback
        traceback = traceback.tb_next
    return (
        (_imported_at(last) or _imported_below(last)).partition(".")[0]
        if last
        else ""
    )


def _imported_below(traceback: TracebackType) -> str:
    """The foreign module that failed in its own first lines, where a library imports its parts only
    when it runs."""
    found = [
        frame
        for frame, _ in walk_tb(traceback.tb_next)
        if frame.f_code.co_name == "<module>"
    ]
    return str(found[0].f_globals.get("__name__", "")) if found else ""


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

    said = (
        [line for line in str(error).splitlines() if line.strip()]
        or [type(error).__name__]
    )[0][:200]
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
    read = [
        variable
        for variable in os.environ
        if variable.startswith(
            (f"{package.upper()}", f"PY{package.upper()}")
        )
    ]
    # junk there is likelier than damage
    if read and not isinstance(error, ImportError):
        told += f"check what you set for it ({', '.join(sorted(read)[:5])}), or "
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
        if (
            requirement.strip()
            .partition(">")[0]
            .partition("[")[0]
            .strip()
            .lower()
            == name.lower()
            and "extra" in marker
        ):
            return marker.rpartition("==")[2].strip(" '\"")
    return ""
