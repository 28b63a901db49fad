"""`resgraph …` → how it ends, in a process forked from one that has the package, and torch where that is told."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TextIO

from forkserver import asked, serve

CLOSED, UNREAD = "closed", "unread"
ALWAYS = (
    "resgraph.outputs.table.text",
    "resgraph.train.run.listing",
    "resvg_py",
)
TRAINING = (
    "resgraph.train.session",
    "resgraph.train.report.page",
    "torch._dynamo",
)


def forked(
    *arguments: str,
    cwd: Path,
    streams: dict[int, str] | None = None,
    limits: dict[int, int] | None = None,
    torch: bool = False,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Each stream of `streams` is CLOSED, a pipe that is UNREAD, or a file; `limits` are of the process."""
    orders = [
        arguments,
        list((streams or {}).items()),
        list((limits or {}).items()),
    ]
    env = {**os.environ, **environment}
    return asked(Path(__file__), orders, cwd, env, *["torch"] * torch)


def command(
    orders: tuple[list[str], list[tuple[int, str]], list[tuple[int, int]]],
) -> None:
    """`python -m resgraph` from its first line on."""
    arguments, streams, limits = orders
    for kind, most in limits:
        # of what is imported from here on, it might be cut off
        sys.dont_write_bytecode = True
        resource.setrlimit(kind, (most, most))
    for number, place in streams:
        if place == CLOSED:
            os.close(number)
        elif place == UNREAD:
            reading, writing = os.pipe()
            os.close(reading)
            os.dup2(writing, number)
        else:
            os.dup2(os.open(place, os.O_RDWR), number)
    closed = [number for number, place in streams if place == CLOSED]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = None if number in closed else opened(number)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["resgraph", *arguments]
    main = import_module("resgraph.__main__")
    main.main()


def opened(number: int) -> TextIO:
    """As the interpreter opens it when it starts."""
    mode, buffering = "r" if number == 0 else "w", 1 if number == 2 else -1
    return os.fdopen(number, mode, buffering, closefd=False)


if __name__ == "__main__":
    import resgraph.cli.commands as commands

    for module in walk_packages(commands.__path__, f"{commands.__name__}."):
        import_module(module.name)
    for late in (*ALWAYS, *(TRAINING if "torch" in sys.argv else ())):
        import_module(late)
    assert ("torch" in sys.modules) == ("torch" in sys.argv)
    serve(command, whole="torch" not in sys.argv)
