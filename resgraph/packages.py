"""An error → the package that cannot be imported, and what mends it. It rests on Python alone: any
package of ours may be the one."""

from __future__ import annotations

import dis
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

_PACKAGES = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "resvg_py": "resvg-py",
    "fontTools": "fonttools",
}
"""What is installed under another name than it is imported by."""


def unusable_package(error: BaseException) -> str:
    """What to do about a package that cannot be imported, if that is what went wrong: it is
    missing, or what is there is damaged."""
    package = _package(error)
    return _reinstall(package, error) if package else ""


def _package(error: BaseException) -> str:
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
    if package in sys.stdlib_module_names:
        # one that was built where headers lacked, as of _ctypes and _lzma
        return f"this Python lacks its own module {package} ({said}): use one that is whole"
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
        told += f"check what you set for it ({', '.join(read)}), or "
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
