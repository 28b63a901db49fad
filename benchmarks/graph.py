"""From YAML to the DAG, and from there to the module, of ResNet-50 and ResNet-1202, beside the
constructors of torchvision and timm, and the same net by hand."""

from __future__ import annotations

import sys

import torch
from measure import Run, heading, interleaved, rows, table
from reference import reference, timm
from settings import clock, parser, plan, start

import resgraph
from resgraph.outputs.pytorch.build import net_class, source_module


def main() -> None:
    settings = start(parser(__doc__, rounds=15))
    heading("Construction")
    for name in ("resnet-50", "cifar/resnet-1202"):
        measure(name, settings.rounds)


def measure(name: str, rounds: int) -> None:
    """Print the table of one net."""
    whose, make = reference(name)
    net = plan(name)
    cls = net_class(source_module(net.source()))
    runs: dict[str, Run] = {whose: make, f"{whose} again": make}
    if name == "resnet-50" and (theirs := timm()):
        runs["timm"] = lambda: theirs.create_model("resnet50")
    runs |= {
        "resgraph: YAML to DAG": lambda: plan(name).graph.dag,
        "resgraph: DAG to source": net.source,
        "resgraph: DAG to module": lambda: _executed(net),
        "resgraph: YAML to module": lambda: _executed(plan(name)),
        "the exported class": cls,
    }
    found = interleaved(runs, rounds, clock("cpu"))
    print(
        f"{name}: {net.params:,} parameters, {len(net.graph.nodes):,} nodes, on"
        f" {torch.get_default_device()}\n"
    )
    table(["", "ms", f"against {whose}"], rows(found, whose))


def _executed(net: resgraph.Plan) -> torch.nn.Module:
    """The module of a plan, its source executed as in a new process."""
    for name in [
        name for name in sys.modules if name.startswith("resgraph_source_")
    ]:
        del sys.modules[name]
    return net.module()


if __name__ == "__main__":
    main()
