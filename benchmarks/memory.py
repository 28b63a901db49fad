"""Peak memory of a training step, each net in a process of its own: allocated on a GPU, resident on a CPU."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from statistics import median

CPU = {"resnet-50": 8, "cifar/resnet-110": 64}
GPU = {"resnet-50": 128, "cifar/resnet-110": 512}
CONTESTANTS = ("theirs", "theirs again", "resgraph", "resgraph, bf16, channels-last")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--one", nargs=3, metavar=("NET", "BATCH", "WHO"), help=argparse.SUPPRESS)
    options.add_argument("--rounds", type=int, default=3)
    settings = options.parse_args()
    if settings.one:
        name, batch, who = settings.one
        print(peak(name, int(batch), who))
    else:
        compare(settings.rounds)


def compare(rounds: int) -> None:
    """Print the table of each net."""
    import torch
    from measure import heading, ratio, table

    heading("Peak memory of a training step")
    for name, batch in (GPU if torch.cuda.is_available() else CPU).items():
        found: dict[str, list[float]] = {who: [] for who in CONTESTANTS}
        for _ in range(rounds):
            for who, peaks in found.items():
                command = [sys.executable, __file__, "--one", name, str(batch), who]
                peaks.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        print(f"{name}, {batch} images\n")
        body = [[who, f"{median(peaks):,.0f}", ratio(peaks, found["theirs"])] for who, peaks in found.items()]
        table(["", "MB", "against theirs"], body)


def peak(name: str, batch: int, who: str) -> float:
    """MB that three steps needed at most, above what was there before the net was made."""
    import torch
    from reference import reference
    from settings import Stepping, plan

    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = plan(name)
    own = {"bf16": True, "channels_last": True} if "bf16" in who else {}
    _, make = reference(name)
    before = _resident()
    images = torch.randn(batch, *net.input, device=device)
    step = Stepping(make() if who.startswith("theirs") else net.module(), images, **own)
    for _ in range(3):
        step()
    return torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else _resident() - before


def _resident() -> float:
    """MB that this process had in memory at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
