"""What `srun` does with the words behind it, as a stand-in: two tasks of a step, and the highest of their exit codes.

With SIGNAL in the environment they get that signal, as at the end of a job's time, once they have an epoch."""

from __future__ import annotations

import os
import runpy
import sys
import time
from importlib import import_module
from pathlib import Path

from forkserver import serve

STEP = {
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NODELIST": "localhost",
    "SLURM_NTASKS_PER_NODE": "2",
}


def step(words: list[str]) -> None:
    os.environ.update(STEP)
    sys.argv = words
    tasks = [started(place) for place in "01"]
    if "SIGNAL" in os.environ:
        rows = Path("runs/resnet-50/metrics.jsonl")
        while not rows.exists() and all(map(is_going, tasks)):
            time.sleep(0.05)
        for task in tasks:
            os.kill(task, int(os.environ["SIGNAL"]))
    codes = [
        os.waitstatus_to_exitcode(os.waitpid(task, 0)[1]) for task in tasks
    ]
    sys.exit(max(code if code >= 0 else 128 - code for code in codes))


def started(place: str) -> int:
    task = os.fork()
    if task == 0:
        os.environ.update(SLURM_PROCID=place, SLURM_LOCALID=place)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        sys.exit()
    return task


def is_going(task: int) -> bool:
    how = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, task, how) is None


if __name__ == "__main__":
    for late in ("torch.distributed", "resgraph.train.session"):
        import_module(late)
    serve(step)
