"""A process that has loaded what is slow to load, and forks a child for each request, as if it was started anew."""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
RUN = os.environ.setdefault(
    "FORKS_OF", os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
)
ERRORS = os.dup(2)  # where a server says why it fails
LINUX = sys.platform == "linux"
PATIENCE = 600  # two ranks that compile take 80 s of CPU from an empty cache, and other work may be beside


def asked(
    script: Path, orders: Any, cwd: Path, env: dict[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """What a child of `script WORDS`, which calls `serve`, does in a folder and an environment."""
    sys.audit("tests.elsewhere")  # for tests/alike.py
    line = connected(script, *words)
    request = {"orders": orders, "env": env, "cwd": str(cwd)}
    line.sendall(json.dumps(request).encode() + b"\n")
    answer = b""
    if select.select([line], [], [], PATIENCE)[0]:
        answer = _received(line)
    if not answer:
        line.close()
        connected.cache_clear()
        raise ChildProcessError(
            f"no answer, or none within {PATIENCE} s: {orders}"
        )
    code, printed, said = json.loads(answer)
    return subprocess.CompletedProcess([str(script)], code, printed, said)


def _received(line: socket.socket) -> bytes:
    """A line of text; nothing where the other end is gone."""
    got = b""
    with suppress(ConnectionError):
        while not got.endswith(b"\n") and (more := line.recv(2**16)):
            got += more
    return got


@cache
def connected(script: Path, *words: str) -> socket.socket:
    """A line to the server, which the workers of a run of tests share: what is slow is loaded once for all.

    Its socket is a name without a file. Who finds nobody there starts it.
    """
    name = f"\0resgraph {RUN} {script} {words}"
    if not LINUX:  # there it is a file, and each worker has its own
        folder = tempfile.TemporaryDirectory()
        atexit.register(folder.cleanup)
        name = f"{folder.name}/line"
    line = socket.socket(socket.AF_UNIX)
    atexit.register(line.close)
    while True:
        try:
            line.connect(name)
        except (ConnectionRefusedError, FileNotFoundError):
            _start(name, script, *words)
        else:
            return line


def _start(name: str, script: Path, *words: str) -> None:
    """In a process of its own, or with the word `torch`, in a child of the interpreter that has loaded that."""
    path = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    if "torch" in words:
        begun = f"import forkserver; forkserver.become{(name, str(script), *words)}"
        done = asked(TESTS / "interpreter.py", ["-c", begun], TESTS, env)
        assert done.returncode == 0, done.stderr
    elif listening := _listening(name):
        with listening:
            going = subprocess.Popen(
                [sys.executable, str(script), *words],
                env=env,
                stdin=listening,
                stdout=subprocess.DEVNULL,
                process_group=0,
            )
        going.returncode = 0  # nobody waits: it ends with the last line


def _listening(name: str) -> socket.socket | None:
    """None where another worker was faster."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(name)
    except OSError:
        listening.close()
        return None
    listening.listen()
    return listening


def become(name: str, script: str, *words: str) -> None:
    """A child of this process becomes the server of a name, and this one may end."""
    listening = _listening(name)
    if listening and os.fork() == 0:
        os.setsid()
        os.dup2(listening.fileno(), 0)
        os.dup2(ERRORS, 2)
        listening.close()
        sys.argv = [script, *words]
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")
        os._exit(0)


def serve(obey: Callable[[Any], None], *, whole: bool = False) -> None:
    """For each line that comes in, a process that obeys order after order; until none is left.

    A `whole` child ends as an interpreter does, which takes a second where torch is loaded.
    """
    gc.collect()
    gc.freeze()  # what is loaded stays: children need not look through it
    gc.set_threshold(10_000)
    listening = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    going: set[int] = set()
    while True:
        if select.select([listening], [], [], 0.5)[0]:
            line, _ = listening.accept()
            child = os.fork()
            if child == 0:
                listening.close()
                _obeyed(obey, whole, line)
                os._exit(0)
            line.close()
            going.add(child)
        going = {
            child for child in going if not os.waitpid(child, os.WNOHANG)[0]
        }
        if not going:
            return


def _obeyed(
    obey: Callable[[Any], None], whole: bool, line: socket.socket
) -> None:
    """Order after order of a line."""
    if LINUX:
        whose = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        assert struct.unpack("3i", whose)[1] == os.getuid()
    os.setpgid(0, 0)
    while order := _received(line):
        ended = _forked(obey, whole, line, **json.loads(order))
        line.sendall(json.dumps(ended).encode() + b"\n")


def _forked(
    obey: Callable[[Any], None],
    whole: bool,
    line: socket.socket,
    orders: Any,
    env: dict[str, str],
    cwd: str,
) -> list[Any]:
    """A child's exit code, what it printed and what it said."""
    with _kept() as printed, _kept() as said:
        child = os.fork()
        if child == 0:
            line.close()
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
        code = os.waitstatus_to_exitcode(_waited(child, line))
        texts = []
        for file in (printed, said):
            file.seek(0)
            texts.append(file.read())
        return [code, *texts]


def _kept() -> Any:
    return tempfile.TemporaryFile("w+", errors="replace")


def _waited(child: int, line: socket.socket) -> int:
    """How a child ended. Where nobody waits for the answer any more, all ends at once."""
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        # the end: no order comes before the answer
        if select.select([line], [], [], 0.005)[0]:
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
