"""What is many or large, beside another copy of resgraph (`--beside CHECKOUT`): `check` of every
file of its zoo, a figure of rows that all read all, both in CPU seconds of whole processes, and
the memory of a plan."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import heading, interleaved, rows, spent_by_children, table

ROOT = Path(__file__).parents[1]
DEEP = """\
name: deep
input: 3x32x32
net:
  conv1: 3x3 conv 16
  conv2: 1500 x basic 16
  conv3: 1500 x basic 32 /2
  conv4: 1500 x basic 64 /2
  head: [global avg pool, fc 10]
"""
DRAW = "import resgraph, sys; resgraph.load(sys.argv[1]).to('svg')"
WEIGH = """\
import gc, resgraph, sys, tracemalloc
resgraph.load(sys.argv[1], ["net.conv2=2 x basic 16"])  # what is read once
gc.collect()
tracemalloc.start(1)
plan = resgraph.load(sys.argv[1])
gc.collect()
print(len(plan.graph.nodes), tracemalloc.get_traced_memory()[0])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--beside", type=Path, default=ROOT, metavar="CHECKOUT"
    )
    parser.add_argument(
        "--rows", type=int, default=195, help="of the figure"
    )
    parser.add_argument("--rounds", type=int, default=5)
    settings = parser.parse_args()
    heading("What is many or large")
    with TemporaryDirectory() as place:
        deep, dense = Path(place, "deep.yaml"), Path(place, "dense.yaml")
        deep.write_text(DEEP, encoding="utf-8")
        dense.write_text(_dense(settings.rows), encoding="utf-8")
        zoo = [
            str(file)
            for file in sorted((settings.beside / "specs").glob("*.yaml"))
        ]
        commands = {
            f"check, {len(zoo)} files": ["-m", "resgraph", "check", *zoo],
            f"figure, {settings.rows} rows": ["-c", DRAW, str(dense)],
        }
        for name, command in commands.items():
            runs = {
                "beside": _run(settings.beside, command),
                "beside again": _run(settings.beside, command),
                "this": _run(ROOT, command),
            }
            found = interleaved(runs, settings.rounds, spent_by_children)
            table([name, "CPU ms", "against beside"], rows(found, "beside"))
        weigh = ["-c", WEIGH, str(deep)]
        trees = {"beside": settings.beside, "this": ROOT}
        said = {
            name: _run(tree, weigh)().split()
            for name, tree in trees.items()
        }
        base = int(said["beside"][1])
        body = [
            [
                name,
                f"{int(nodes):,}",
                f"{int(size) / int(nodes):,.0f}",
                f"{int(size) / base:.3f}",
            ]
            for name, (nodes, size) in said.items()
        ]
        table(["a plan", "nodes", "bytes a node", "against beside"], body)


def _dense(count: int) -> str:
    """A net whose rows all read all above."""
    lines = ["name: dense", "input: 3x32x32", "net:", "  r0: 3x3 conv 8"]
    for row in range(1, count):
        read = " ".join(f"r{above}" for above in range(row))
        joined = f"concat({read}), " if row > 1 else ""
        lines.append(f"  r{row}: [{joined}1x1 conv 8]")
    return "\n".join([*lines, "  head: [global avg pool, fc 10]", ""])


def _run(tree: Path, command: list[str]) -> Callable[[], str]:
    """A new process of a copy; it finds its modules compiled from the second time on."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(tree),
    }
    # and not that of the directory in which it is called
    environment["PYTHONSAFEPATH"] = "1"
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> str:
        asked = [sys.executable, *command]
        done = subprocess.run(
            asked, env=environment, capture_output=True, check=True
        )
        return done.stdout.decode()

    return run


if __name__ == "__main__":
    main()
