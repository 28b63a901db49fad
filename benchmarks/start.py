"""How long commands take to start, in CPU seconds: `resgraph --help` and `check`, beside `import
torch` and nothing."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

from measure import heading, interleaved, rows, table

ROOT = Path(__file__).parents[1]
SPEC = str(ROOT / "specs" / "resnet.yaml::resnet-50")
ZOO = [str(file) for file in sorted((ROOT / "specs").glob("*.yaml"))]
COMMANDS = {
    "import torch": ["-c", "import torch"],
    "import torch again": ["-c", "import torch"],
    "python, and nothing": ["-c", "pass"],
    "resgraph --help": ["-m", "resgraph", "--help"],
    "resgraph check": ["-m", "resgraph", "check", SPEC],
    "resgraph check, the zoo": ["-m", "resgraph", "check", *ZOO],
    "resgraph show": ["-m", "resgraph", "show", SPEC],
    "resgraph export": ["-m", "resgraph", "export", SPEC],
}


def main() -> None:
    settings = argparse.ArgumentParser(description=__doc__)
    settings.add_argument("--rounds", type=int, default=15)
    rounds = settings.parse_args().rounds
    heading("Start")
    runs = {
        name: lambda command=command: _run(command)
        for name, command in COMMANDS.items()
    }
    found = interleaved(runs, rounds, _spent)
    table(
        ["", "CPU ms", "against `import torch`"],
        rows(found, "import torch"),
    )


def _run(command: list[str]) -> None:
    """A new process; like an installed package, it finds its modules compiled from the second time
    on."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _spent() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
