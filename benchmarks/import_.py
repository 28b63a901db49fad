"""A model as text, by `resgraph import` and by what exists: seconds, memory, lines, and whether
what comes out computes the same.

    python benchmarks/import_.py torchvision:resnet50 torchvision:resnet152

Each tool runs each net in a process of its own, on one thread. torchvision and timm give the nets;
torchview and pnnx are measured where they are installed. A net of the zoo, as resnet-1202, is
imported from the module that its spec compiles to."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from reference import torchvision  # noqa: E402

from resgraph import from_module, load  # noqa: E402
from resgraph.importing import from_model  # noqa: E402
from resgraph.importing.aten import Reader  # noqa: E402
from resgraph.importing.fx import capture  # noqa: E402
from resgraph.importing.page import Head, write  # noqa: E402
from resgraph.importing.sources import model_of  # noqa: E402
from resgraph.ops import Shape  # noqa: E402

Said = dict[str, Any]


def built(name: str) -> tuple[nn.Module, Shape]:
    """A net with numbers, in evaluation."""
    if ":" not in name:
        plan = load(name)
        return plan.module().eval(), plan.input
    model = model_of(name)
    return model.on("cpu").eval(), model.shapes["input"]


def clock() -> float:
    """Seconds of CPU, of this process and those it has started: the machine may be shared."""
    times = os.times()
    return (
        times.user
        + times.system
        + times.children_user
        + times.children_system
    )


def lines(text: str) -> int:
    """That are not empty."""
    return sum(bool(line.strip()) for line in text.splitlines())


def equal(net: Callable[[Tensor], Tensor], other: Any, shape: Shape) -> str:
    images = torch.randn(1, *shape)
    with torch.no_grad():
        a, b = net(images), other(images)
    apart = float((a - b).abs().max() / a.abs().max())
    return "yes" if apart < 1e-4 else f"no, {apart:.0e} apart"


def resgraph(name: str) -> Said:
    """Its parts: capture by torch.export on the meta device, recovery of the page, proof."""
    from resgraph.importing.proof import names
    from resgraph.plan import loads

    model = None if ":" not in name else model_of(name)
    net, shape = (
        (model.bare(), model.shapes["input"]) if model else built(name)
    )
    times = [clock()]
    program = capture(net, shape)
    times.append(clock())
    steps = Reader(program).read()
    plan = loads(write(Head("net", steps, "")))
    names(plan, steps)
    times.append(clock())
    found = (
        from_model(name) if model else from_module(built(name)[0], shape)
    )
    whole = clock() - times[-1]
    export, recovery = (after - before for before, after in pairwise(times))
    same = "yes" if found.proof.output is not None else "not run"
    of = f"export {export:.1f}, recovery {recovery:.1f}, the rest proof"
    return {
        "lines": lines(found.text),
        "equal": same,
        "of": of,
        "seconds": whole,
    }


def export_code(name: str) -> Said:
    net, shape = built(name)
    start = clock()
    made = torch.export.export(
        net, (torch.zeros(1, *shape),), strict=False
    ).module()
    text, seconds = made.code, clock() - start
    return {
        "lines": lines(text),
        "equal": equal(net, made, shape),
        "seconds": seconds,
    }


def fx_folder(name: str) -> Said:
    net, shape = built(name)
    with tempfile.TemporaryDirectory() as folder:
        start = clock()
        torch.fx.symbolic_trace(net).to_folder(folder, "Net")
        seconds = clock() - start
        file = Path(folder) / "module.py"
        spec = importlib.util.spec_from_file_location("written", file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        same = equal(net, module.Net().eval(), shape)
        return {
            "lines": lines(file.read_text()),
            "equal": same,
            "seconds": seconds,
        }


def view(name: str) -> Said:
    """A picture's source: it computes nothing."""
    torchview = importlib.import_module("torchview")
    net, shape = built(name)
    start = clock()
    graph = torchview.draw_graph(net, input_size=(1, *shape), device="meta")
    text, seconds = graph.visual_graph.source, clock() - start
    return {"lines": lines(text), "equal": "no code", "seconds": seconds}


def pnnx(name: str) -> Said:
    tool = importlib.import_module("pnnx")
    net, shape = built(name)
    with tempfile.TemporaryDirectory() as folder:
        images = torch.zeros(1, *shape)
        start = clock()
        made = tool.export(net, f"{folder}/net.pt", images)
        seconds = clock() - start
        text = Path(folder, "net_pnnx.py").read_text()
        return {
            "lines": lines(text),
            "equal": equal(net, made.eval(), shape),
            "seconds": seconds,
        }


TOOLS: dict[str, Callable[[str], Said]] = {
    "resgraph import": resgraph,
    "torch.export, its code": export_code,
    "fx, to_folder": fx_folder,
    "torchview": view,
    "pnnx": pnnx,
}
NEEDS = {"torchview": "torchview", "pnnx": "pnnx"}


def one(tool: str, name: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torchvision()
    said = TOOLS[tool](name)
    said["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said))


def row(tool: str, name: str) -> str:
    command = [sys.executable, __file__, "--one", tool, name]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        return f"| {name} | {tool} |  |  |  | {''.join(said)[:80]} |"
    found = json.loads(done.stdout.splitlines()[-1])
    seconds = f"{found['seconds']:.1f}" + (
        f" ({found['of']})" if "of" in found else ""
    )
    return (
        f"| {name} | {tool} | {seconds} | {found['mib']:.0f} | {found['lines']} |"
        f" {found['equal']} |"
    )


def main() -> None:
    if sys.argv[1] == "--one":
        one(*sys.argv[2:])
        return
    print("| net | tool | seconds | peak MiB | lines | equal outputs |")
    print("|---|---|---:|---:|---:|---|", flush=True)
    for name in sys.argv[1:]:
        for tool in TOOLS:
            if tool not in NEEDS or importlib.util.find_spec(NEEDS[tool]):
                print(row(tool, name), flush=True)


if __name__ == "__main__":
    main()
