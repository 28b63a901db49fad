"""From `resgraph build specs/digits.yaml` to the end of its first step, beside a script by hand
that does only that."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import heading, interleaved, rows, table

ROOT = Path(__file__).parents[1]
OURS = """
import os, sys
from resgraph.cli import run
import resgraph.train.engine.loop as loop
step = loop.Loop._step
def first(self, batch):
    step(self, batch)
    os._exit(0)
loop.Loop._step = first
sys.exit(run(["build", sys.argv[1], "-o", sys.argv[2], "--device", "cpu", "--threads", "1"]))
"""
BY_HAND = """
import sys
sys.path.insert(0, sys.argv[3])
import numpy
import torch
from reference import CifarResNet
torch.set_num_threads(1)
digits = numpy.load(f"{sys.argv[3]}/../resgraph/train/data/digits.npz")
images = torch.tensor(digits["images"], dtype=torch.float32)[:, None] / 16
images = (images - images.mean()) / images.std()
net = CifarResNet(8)
net.conv1 = torch.nn.Conv2d(1, 16, 3, 1, 1, bias=False)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
labels = torch.tensor(digits["labels"][:64]).long()
loss = torch.nn.functional.cross_entropy(net(images[:64]), labels)
loss.backward()
optimizer.step()
"""


def main() -> None:
    settings = argparse.ArgumentParser(description=__doc__)
    settings.add_argument("--rounds", type=int, default=9)
    rounds = settings.parse_args().rounds
    heading("From the command to the first step")
    scripts = {
        "by hand": BY_HAND,
        "by hand again": BY_HAND,
        "import torch": "import torch",
        "resgraph build": OURS,
    }
    runs = {
        name: lambda script=script: _run(script)
        for name, script in scripts.items()
    }
    table(
        ["", "CPU ms", "against by hand"],
        rows(interleaved(runs, rounds, _spent), "by hand"),
    )


def _run(script: str) -> None:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    with tempfile.TemporaryDirectory() as place:
        arguments = [
            str(ROOT / "specs" / "digits.yaml"),
            f"{place}/run",
            str(ROOT / "benchmarks"),
        ]
        command = [sys.executable, "-c", script, *arguments]
        subprocess.run(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


def _spent() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
