"""Orders for worker.py → what it prints. It is started once, and forks a process for each: torch is loaded once."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 600  # two ranks that compile take 80 s of CPU from an empty cache, and other work may be beside


def worker(orders: dict[str, Any]) -> Any:
    """What a process that gets these orders prints, as JSON."""
    going = server()
    assert going.stdin and going.stdout
    request = {"orders": orders, "env": dict(os.environ), "cwd": str(Path.cwd())}
    going.stdin.write(json.dumps(request).encode() + b"\n")
    going.stdin.flush()
    if not select.select([going.stdout], [], [], PATIENCE)[0]:
        end(going)
        server.cache_clear()
        raise TimeoutError(orders)
    code, printed, said = json.loads(going.stdout.readline())
    assert code == 0, said
    return json.loads(printed)


@cache
def server() -> subprocess.Popen[bytes]:
    root = str(HERE.parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    going = subprocess.Popen(
        [sys.executable, str(HERE / "worker.py")],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
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
