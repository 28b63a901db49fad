"""A study of many short runs by `resgraph sweep`, beside a shell loop that starts `resgraph build`
for each run: CPU seconds, and runs a minute of them."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import heading, interleaved, rows, spent_by_children, table

ROOT = Path(__file__).parents[1]
RESGRAPH = f"{sys.executable} -m resgraph"
STUDY = "study: short runs\nnets: digits\nseeds: {runs}\nbudget: {{steps: {steps}}}\n"
LOOP = """set -e
for seed in $(seq 0 $(({runs} - 1))); do
  {program} build digits -o loop/$seed --set train.seed=$seed --set train.epochs=none \\
    --set train.iterations={steps} --device cpu --threads 1
done
"""
SWEEP = "{program} sweep study.yaml -o swept --device cpu --threads 1"


def main() -> None:
    settings = argparse.ArgumentParser(description=__doc__)
    settings.add_argument("--rounds", type=int, default=3)
    settings.add_argument("--runs", type=int, default=20)
    settings.add_argument("--steps", type=int, default=10)
    asked = settings.parse_args()
    heading(f"{asked.runs} runs of {asked.steps} steps")
    scripts = {
        "a shell loop": LOOP,
        "a shell loop again": LOOP,
        "sweep": SWEEP,
    }
    runs = {
        name: _run(script.format(program=RESGRAPH, **vars(asked)), asked)
        for name, script in scripts.items()
    }
    found = interleaved(runs, asked.rounds, spent_by_children, warm=0)
    body = [
        [*row, f"{60 * asked.runs / statistics.median(found[row[0]]):.1f}"]
        for row in rows(found, "a shell loop")
    ]
    table(["", "CPU ms", "against a loop", "runs a minute of CPU"], body)


def _run(script: str, asked: argparse.Namespace) -> Callable[[], None]:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }

    def run() -> None:
        with tempfile.TemporaryDirectory() as place:
            study = STUDY.format(runs=asked.runs, steps=asked.steps)
            Path(place, "study.yaml").write_text(study, encoding="utf-8")
            subprocess.run(
                ["sh", "-c", script],
                cwd=place,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )

    return run


if __name__ == "__main__":
    main()
