#!/usr/bin/env bash
# distributed 2026.8.0: Client.submit and Client.map take every function for a pure one: two calls of the same function
# with the same arguments are one task, whose result both get (while it is held). Three repetitions of a training that
# draws its own seed are one run, three times; their spread is exactly 0. One would have guessed that what is submitted
# is run: pure=False does that, and concurrent.futures, which has the same words, always does.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q distributed==2026.8.0
"$work/venv/bin/python" - <<'PY'
import random
from concurrent.futures import ThreadPoolExecutor

import distributed


def accuracy(depth):
    """Of a training that draws its seed itself."""
    return random.random()


options = {"processes": False, "n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
with distributed.Client(**options) as client, ThreadPoolExecutor() as pool:
    seen = {
        "submit": [future.result() for future in [client.submit(accuracy, 20) for _ in range(3)]],
        "map": client.gather(client.map(accuracy, [20, 20, 20])),
        "submit(pure=False)": [
            future.result() for future in [client.submit(accuracy, 20, pure=False) for _ in range(3)]
        ],
        "concurrent.futures": [future.result() for future in [pool.submit(accuracy, 20) for _ in range(3)]],
    }
print("distributed", distributed.__version__)
runs = {way: len(set(values)) for way, values in seen.items()}
print("different results of three equal calls:", runs)
assert runs == {"submit": 1, "map": 1, "submit(pure=False)": 3, "concurrent.futures": 3}, "this has changed"
PY
