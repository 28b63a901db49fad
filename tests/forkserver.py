"""A process that has loaded what is slow to load, and forks a child for each request, as if it was started anew."""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
PATIENCE = 600  # two ranks that compile take 80 s of CPU from an empty cache, and other work may be beside


def asked(
    script: Path, orders: Any, cwd: Path, env: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """What a child of `script WORDS`, which calls `serve`, does in a folder and an environment."""
    going = server(script, *words)
    assert going.stdin and going.stdout
    request = {"orders": orders, "env": env, "cwd": str(cwd)}
    going.stdin.write(json.dumps(request).encode() + b"\n")
    going.stdin.flush()
    answer = b""
    if select.select([going.stdout], [], [], PATIENCE)[0]:
        answer = going.stdout.readline()
    if not answer:
        end(going)
        server.cache_clear()
        raise ChildProcessError(
            f"no answer, or none within {PATIENCE} s: {orders}"
        )
    code, printed, said = json.loads(answer)
    return subprocess.CompletedProcess([str(script)], code, printed, said)


@cache
def server(script: Path, *words: str) -> subprocess.Popen[bytes]:
    path = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
    going = subprocess.Popen(
        [sys.executable, str(script), *words],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    atexit.register(end, going)
    return going


def end(going: subprocess.Popen[bytes]) -> None:
    """Ends the server and what it has forked."""
    with going:
        if going.poll() is None:
            os.killpg(going.pid, 9)


def serve(obey: Callable[[Any], None], *, whole: bool = False) -> None:
    """A line of orders after another, until there are no more.

    A `whole` child ends as an interpreter does, which takes a second where torch is loaded.
    """
    gc.collect()
    gc.freeze()  # what is loaded stays: children need not look through it
    gc.set_threshold(10_000)
    for line in sys.stdin:
        print(
            json.dumps(_forked(obey, whole, **json.loads(line))), flush=True
        )


def _forked(
    obey: Callable[[Any], None],
    whole: bool,
    orders: Any,
    env: dict[str, str],
    cwd: str,
) -> list[Any]:
    """A child's exit code, what it printed and what it said."""
    with _kept() as printed, _kept() as said:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os.environ.clear()
            os.environ.update(env)
            os.chdir(cwd)
            tempfile.tempdir = None  # was found in the server's environment
            if whole:
                obey(orders)
                sys.exit()
            code = _code(obey, orders)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(_waited(child))
        texts = []
        for file in (printed, said):
            file.seek(0)
            texts.append(file.read())
        return [code, *texts]


def _kept() -> Any:
    return tempfile.TemporaryFile("w+", errors="replace")


def _waited(child: int) -> int:
    """How a child ended. Where nobody waits for the answer any more, all ends at once."""
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        # the end: no other line comes
        if select.select([sys.stdin], [], [], 0.005)[0]:
            os.killpg(0, signal.SIGKILL)
    return ended[1]


def _code(obey: Callable[[Any], None], orders: Any) -> int:
    """What Python would exit with."""
    try:
        obey(orders)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
