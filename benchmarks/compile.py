"""Cold compilation, each in a process of its own with an empty cache: the first training step of
CIFAR nets, above one that comes after it. By structure (as `resgraph build` compiles), and as one
graph (`torch.compile` of the whole net)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any

from measure import heading, ratio, table
from settings import Stepping, clock, parser, plan, start

from resgraph.outputs.pytorch.compile import compile_blocks

BASE = "cifar/resnet-110"
NETS = (BASE, "cifar/resnet-1202")
AFTER = 3


def main() -> None:
    options = parser(__doc__, rounds=1)
    options.add_argument(
        "nets",
        nargs="*",
        default=NETS,
        help=f"of {', '.join(NETS)}; all, where none is named",
    )
    options.add_argument(
        "--whole",
        nargs="*",
        default=[BASE],
        metavar="NET",
        help="nets to compile as one graph too",
    )
    options.add_argument(
        "--one", nargs=2, metavar=("NET", "HOW"), help=argparse.SUPPRESS
    )
    settings = start(options)
    if settings.one:
        name, how = settings.one
        print(
            json.dumps(
                measured(name, how, settings.batch or 32, settings.device)
            )
        )
    else:
        compare(settings)


def compare(settings: Any) -> None:
    """Print one table of all nets."""
    heading("Cold compilation")
    jobs = [
        (name, how)
        for name in settings.nets
        for how in ("by structure", "eager")
    ]
    jobs += [(name, "one graph") for name in settings.whole]
    found: dict[tuple[str, str], list[list[float]]] = {
        job: [] for job in jobs
    }
    for _ in range(settings.rounds):
        for job, rounds in found.items():
            rounds.append(_child(job, settings))
    base = [one[0] for one in found[BASE, "by structure"]]
    body = []
    for (name, how), rounds in found.items():
        cold, later, graphs, recompiles = (
            list(column) for column in zip(*rounds, strict=True)
        )
        row = [
            name,
            how,
            f"{median(cold):,.1f}",
            ratio(cold, base),
            f"{median(later) * 1e3:,.0f}",
        ]
        body.append(
            [*row, f"{median(graphs):.0f}", f"{max(recompiles):.0f}"]
        )
    table(
        [
            "net",
            "compiled",
            "cold s",
            f"against {BASE}",
            "later step ms",
            "graphs",
            "recompiles",
        ],
        body,
    )


def _child(job: tuple[str, str], settings: Any) -> list[float]:
    command = [
        sys.executable,
        __file__,
        "--one",
        *job,
        "--device",
        settings.device,
    ]
    command += ["--threads", str(settings.threads)] + (
        ["--batch", str(settings.batch)] if settings.batch else []
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ,
            "TORCHINDUCTOR_CACHE_DIR": cache,
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
        }
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, check=True
        )
    return [float(value) for value in json.loads(done.stdout)]


def measured(
    name: str, how: str, batch: int, device: str
) -> tuple[float, float, int, int]:
    """Seconds of the first training step above a later one, seconds of that one, graphs, and
    recompiles after it."""
    import torch._dynamo

    net = plan(name)
    module = net.module()
    step = Stepping(module, torch.randn(batch, *net.input, device=device))
    if how == "by structure":
        compile_blocks(module)
    elif how == "one graph":
        module.compile()
    now = clock(device) if device.startswith("cuda") else _with_children
    began = now()
    step()
    first = now() - began
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    times = []
    for _ in range(AFTER):
        began = now()
        step()
        times.append(now() - began)
    later = median(times)
    return (
        first - later,
        later,
        graphs,
        torch._dynamo.utils.counters["stats"]["unique_graphs"] - graphs,
    )


def _with_children() -> float:
    """CPU seconds of this process, and of the compilers that it has started."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
