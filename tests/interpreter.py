"""Python with torch loaded but not resgraph: for what must be seen when the package is first imported."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from forkserver import asked, serve


def python(
    *arguments: str, cwd: Path, path: str
) -> subprocess.CompletedProcess[str]:
    """`python -c CODE` or `python -m MODULE …`, with a PYTHONPATH."""
    env = {**os.environ, "PYTHONPATH": path}
    return asked(Path(__file__), arguments, cwd, env)


def interpret(arguments: list[str]) -> None:
    """What the interpreter does with such arguments."""
    kind, what, *words = arguments
    assert not any(name.split(".")[0] == "resgraph" for name in sys.modules)
    sys.path[:0] = ["", *os.environ["PYTHONPATH"].split(os.pathsep)]
    sys.argv = [kind, *words]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    for slow in ("torch._dynamo", "torch.export", "pydantic", "networkx"):
        import_module(slow)
    serve(interpret)
