"""The table of `docs/tools.md` of what counters of multiply-adds say of our nets: each number is what the tool counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from references import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import resgraph

PAGE = Path(__file__).parents[3] / "docs" / "tools.md"
IMAGE = (1, 3, 224, 224)
SPECS = {
    "ResNet-50": "resnet-50",
    "VGG-16": "vgg-16",
    "ConvNeXt-T": "convnext-tiny",
    "MobileNetV2": "mobilenet-v2",
}


@cache
def said() -> dict[tuple[str, str], int]:
    """The table: what a counter says of a net, by both."""
    text = PAGE.read_text(encoding="utf-8").partition(
        "<!-- counters -->\n"
    )[2]
    head, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.partition("\n\n")[0].splitlines()
    )
    return {
        (row[0], net): int(cell.replace(",", ""))
        for row in rows
        for net, cell in zip(head[1:5], row[1:5], strict=True)
    }


def by_resgraph(name: str) -> float:
    return resgraph.load(SPECS[name]).macs


def by_torch(name: str) -> float:
    net = resgraph.load(SPECS[name]).module(device="meta").eval()
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(IMAGE, device="meta"))
    return counter.get_total_flops()


def net_of(name: str) -> nn.Module:
    return resgraph.load(SPECS[name]).module().eval()


def by_calflops(name: str) -> float:
    torchvision()
    tool = pytest.importorskip("calflops")
    found = tool.calculate_flops(
        net_of(name), IMAGE, print_results=False, output_as_string=False
    )
    return float(found[1])


def by_ptflops(name: str, backend: str) -> float:
    torchvision()  # which it imports
    tool = pytest.importorskip("ptflops")
    macs, _ = tool.get_model_complexity_info(
        net_of(name),
        IMAGE[1:],
        as_strings=False,
        print_per_layer_stat=False,
        backend=backend,
    )
    return float(macs)


def by_torchinfo(name: str) -> float:
    tool = pytest.importorskip("torchinfo")
    return float(
        tool.summary(net_of(name), IMAGE, verbose=0).total_mult_adds
    )


def by_fvcore(name: str) -> float:
    tool = pytest.importorskip("fvcore.nn")
    found = tool.FlopCountAnalysis(net_of(name), torch.zeros(IMAGE))
    return float(found.unsupported_ops_warnings(False).total())


def by_thop(name: str) -> float:
    tool = pytest.importorskip("thop")
    return float(
        tool.profile(net_of(name), (torch.zeros(IMAGE),), verbose=False)[0]
    )


QUICK: dict[str, Callable[[str], float]] = {
    "resgraph `macs`": by_resgraph,
    "torch's `FlopCounterMode`": by_torch,
}
TOOLS: dict[str, Callable[[str], float]] = {
    "calflops (MACs)": by_calflops,
    "ptflops, `aten`": lambda name: by_ptflops(name, "aten"),
    "torchinfo": by_torchinfo,
    "fvcore": by_fvcore,
    "ptflops, `pytorch`": lambda name: by_ptflops(name, "pytorch"),
    "thop": by_thop,
}
every_net = pytest.mark.parametrize("name", SPECS)


def test_the_table_has_eight_counters_and_four_nets() -> None:
    counters = {**QUICK, **TOOLS}
    assert list(said()) == [
        (counter, net) for counter in counters for net in SPECS
    ]


@every_net
@pytest.mark.parametrize("counter", QUICK)
def test_what_needs_no_tool(counter: str, name: str) -> None:
    assert QUICK[counter](name) == said()[counter, name]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@every_net
@pytest.mark.parametrize("counter", TOOLS)
def test_a_tool_counts_what_the_page_says(counter: str, name: str) -> None:
    assert TOOLS[counter](name) == said()[counter, name]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "counter", ["fvcore", "ptflops, `pytorch`", "thop"]
)
def test_torchvisions_has_a_module_for_its_last_pool(
    counter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = torchvision().models.resnet50(weights=None).eval()
    monkeypatch.setitem(globals(), "net_of", lambda _: theirs)
    tool = counter.partition(",")[0]
    assert f"{tool} {TOOLS[counter](''):,.0f}" in PAGE.read_text(
        encoding="utf-8"
    )


def test_the_fixed_kernels_of_blur_pools_are_not_in_macs() -> None:
    plan = resgraph.load("anti-aliased")
    with FlopCounterMode(display=False) as counter:
        plan.module(device="meta").eval()(torch.zeros(IMAGE, device="meta"))
    more = counter.get_total_flops() // 2 - plan.macs
    assert f"AntiAliased-18, {more:,}" in PAGE.read_text(encoding="utf-8")
