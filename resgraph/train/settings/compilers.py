"""A device → what `torch.compile` needs for it and this machine lacks: compilers, and Python's
headers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path


def missing_tools(device: str) -> str:
    """What is missing and how to get it; empty where nothing is.

    On a CPU torch writes C++, and compiles it with `CXX` or g++ (clang++ on a Mac); on a GPU triton
    builds its launcher with `CC`, gcc or clang. Both include Python.h."""
    if sys.platform == "win32":
        return (
            ""
            if shutil.which(os.environ.get("CXX", "cl"))
            else "cl, Microsoft's C++ compiler: install its build tools"
        )
    if device != "cpu":
        if find_spec("triton") is None:
            return "triton: pip install triton"
        given = os.environ.get("CC")
        if not any(map(_works, [given] if given else ["gcc", "clang"])):
            return f"a C compiler: {_ways(given, 'CC', 'gcc')}"
    else:
        given = os.environ.get("CXX")
        if not _works(
            given or ("clang++" if sys.platform == "darwin" else "g++")
        ):
            return f"a C++ compiler: {_ways(given, 'CXX', 'g++')}"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        return "Python.h: apt-get install python3-dev (or what your system calls Python's headers)"
    return ""


def _works(compiler: str) -> bool:
    try:
        return (
            subprocess.run(
                [compiler, "--version"],
                capture_output=True,
                timeout=20,
                check=False,
            ).returncode
            == 0
        )
    except (OSError, subprocess.SubprocessError):
        return False


def _ways(given: str | None, variable: str, package: str) -> str:
    if given:
        what = f"{variable}={given} in the environment does not run"
        return f"{what}; unset it, or name one that does"
    return f"apt-get install {package} (or xcode-select --install), or name one in {variable}"
