"""Nets over clips and sequences are their references': entries, costs, what they give in evaluation and in training,
gradients and running statistics."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from meta import unfilled
from references import torchvision
from torch import Tensor, nn

import resgraph

from .several import (
    FACTS,
    apart,
    entries_of,
    evaluated,
    filled,
    load,
    multiply_adds,
    trained,
)

CLIP = (4, 32, 32)
ROWS = ("conv1", "conv2", "conv3", "conv4", "conv5", "head")
VIDEO = {
    "r3d-18": "r3d_18",
    "mc3-18": "mc3_18",
    "r2plus1d-18": "r2plus1d_18",
}
every_net = pytest.mark.parametrize("name", VIDEO)
Facts = dict[str, Any]


def facts(name: str) -> Facts:
    """What was measured of torchvision's net."""
    known: dict[str, Facts] = json.loads((FACTS / "video.json").read_text())
    return known[name]


def measure(name: str, library: Any) -> Facts:
    """The record of a net in `video.json`."""
    net = getattr(library.models.video, VIDEO[name])(weights=None)
    entries = entries_of(net)
    net.load_state_dict(
        {key: filled(key, tuple(s)) for key, s in entries.items()}
    )
    return {
        "params": sum(p.numel() for p in net.parameters()),
        "macs": multiply_adds(net, CLIP),
        "entries": entries,
        "eval": evaluated(net, CLIP),
        "train": trained(net, CLIP),
    }


def ours(name: str) -> resgraph.Plan:
    size = "x".join(map(str, CLIP))
    return resgraph.load(f"video-resnet::{name}", [f"input=3x{size}"])


@every_net
def test_entries_and_costs(name: str) -> None:
    known, plan = facts(name), ours(name)
    state = plan.module(device="meta").state_dict()
    assert [list(value.shape) for value in state.values()] == list(
        known["entries"].values()
    )
    assert (plan.params, plan.macs) == (known["params"], known["macs"])


@every_net
def test_evaluation_and_a_step_of_training(name: str) -> None:
    known, net = facts(name), unfilled(ours(name))
    load(net, ROWS, known["entries"])
    assert apart(evaluated(net, CLIP), known["eval"]) < 1e-9
    step = trained(net, CLIP, ROWS)
    assert apart(step["outputs"], known["train"]["outputs"]) < 1e-9
    largest = max(known["train"]["norms"])
    for a, b in zip(step["norms"], known["train"]["norms"], strict=True):
        assert math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12 * largest)


@pytest.mark.slow
@every_net
def test_the_facts_are_torchvisions(name: str) -> None:
    library = torchvision()
    known, measured = facts(name), measure(name, library)
    assert measured["entries"] == known["entries"]
    assert (measured["params"], measured["macs"]) == (
        known["params"],
        known["macs"],
    )
    assert apart(measured["eval"], known["eval"]) < 1e-9
    assert (
        apart(measured["train"]["outputs"], known["train"]["outputs"])
        < 1e-9
    )


# -- an electrocardiogram's net, whose reference stands here


class Residual(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(into, out, 17, padding=8, bias=False)
        self.bn1 = nn.BatchNorm1d(out)
        self.conv2 = nn.Conv1d(
            out, out, 17, stride=4, padding=8, bias=False
        )
        self.bn2 = nn.BatchNorm1d(out)
        self.shortcut = nn.Conv1d(into, out, 1, stride=4, bias=False)
        self.bn3 = nn.BatchNorm1d(out)

    def forward(self, x: Tensor) -> Tensor:
        body = torch.relu(self.bn1(self.conv1(x)))
        body = self.bn2(self.conv2(body))
        return torch.relu(body + self.bn3(self.shortcut(x)))


def ecg() -> nn.Sequential:
    widths = [64, 128, 196, 256, 320]
    stem = [
        nn.Conv1d(12, 64, 17, padding=8, bias=False),
        nn.BatchNorm1d(64),
        nn.ReLU(),
    ]
    blocks = [Residual(*pair) for pair in pairwise(widths)]
    return nn.Sequential(
        *stem, *blocks, nn.Flatten(), nn.Linear(320 * 16, 6)
    )


def test_an_electrocardiograms_net() -> None:
    plan, theirs = resgraph.load("ecg-resnet"), ecg().double()
    mine = plan.module().double()
    for net in (mine, theirs):
        for place, value in enumerate(net.state_dict().values()):
            if value.is_floating_point():
                value.copy_(
                    filled(f"{place}.running_var", tuple(value.shape))
                )
    assert [v.shape for v in mine.state_dict().values()] == [
        v.shape for v in theirs.state_dict().values()
    ]
    x = torch.randn(
        2, 12, 4096, generator=torch.Generator().manual_seed(0)
    ).double()
    same(mine.eval()(x), theirs.eval()(x))
    for net in (mine, theirs):
        net.train()
        for module in net.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        net(x).square().mean().backward()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        same(a.grad, b.grad)
    for a, b in zip(mine.buffers(), theirs.buffers(), strict=True):
        same(a.double(), b.double())


def same(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape
    assert (a - b).abs().max() <= 1e-9 * b.abs().max()
