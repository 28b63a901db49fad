"""A training step (or, with --forward, a forward pass) of nets compiled by resgraph, beside
torchvision's, or the same by hand: with the same settings, and with those that `resgraph build`
takes by itself."""

from __future__ import annotations

import torch
from measure import heading, interleaved, rows, table
from reference import reference
from settings import Inferring, Stepping, clock, parser, plan, start

from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.train import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.settings.decide import Workload, decide

CPU = {
    "resnet-18": 4,
    "resnet-50": 4,
    "cifar/resnet-20": 32,
    "cifar/resnet-56": 32,
    "cifar/resnet-110": 32,
}
GPU = {
    "resnet-18": 512,
    "resnet-50": 256,
    "cifar/resnet-20": 512,
    "cifar/resnet-56": 512,
    "cifar/resnet-110": 512,
}


def main() -> None:
    options = parser(__doc__, rounds=15)
    options.add_argument(
        "nets",
        nargs="*",
        help=f"of {', '.join(CPU)}; all, where none is named",
    )
    options.add_argument(
        "--forward",
        action="store_true",
        help="a forward pass in evaluation",
    )
    options.add_argument(
        "--compile",
        action="store_true",
        help="both sides compiled: torch.compile, and as a build does",
    )
    settings = start(options)
    batches = GPU if settings.device.startswith("cuda") else CPU
    kind = "Forward pass" if settings.forward else "Training step"
    heading(f"{kind}{', compiled' if settings.compile else ''}")
    for name in settings.nets or batches:
        measure(name, settings.batch or batches[name], settings)


def measure(name: str, batch: int, settings: object) -> None:
    """Print the table of one net."""
    device, forward, compiled, rounds = (
        getattr(settings, key)
        for key in ("device", "forward", "compile", "rounds")
    )
    whose, make = reference(name)
    net = plan(name)
    images = torch.randn(batch, *net.input, device=device)
    kind = Inferring if forward else Stepping
    chosen = decide(
        Options(device=device), World(), Workload(net.macs * batch)
    )
    bf16 = chosen.precision == "bf16"
    own = {"bf16": bf16, "channels_last": chosen.channels_last}
    said = (
        f"{'bf16' if bf16 else 'fp32'},"
        f" {'channels-last' if chosen.channels_last else 'contiguous'}"
    )
    theirs = {"": {}, " again": {}, f", {said}": own}
    contestants = {
        f"{whose}{label}": kind(make(), images, **how)
        for label, how in theirs.items()
    }
    if compiled:
        for contestant in contestants.values():
            contestant.net.compile()
    for label, how in (("resgraph", {}), (f"resgraph, {said}", own)):
        module = net.module()
        contestants[label] = kind(module, images, **how)
        if compiled:
            compile_blocks(module, whole=True)
    found = interleaved(contestants, rounds, clock(device), warm=3)
    print(f"{name}, {batch} images of {'x'.join(map(str, net.input))}\n")
    table(
        ["", "ms", f"against {whose}", "images/s"],
        rows(found, whose, batch),
    )
    same, best = f"{whose}, {said}", f"resgraph, {said}"
    table(
        ["", f"against {same}"],
        [
            [row[0], row[2]]
            for row in rows({k: found[k] for k in (same, best)}, same)
        ],
    )


if __name__ == "__main__":
    main()
