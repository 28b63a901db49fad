"""Layers that give a residual and a skip, whose sum runs on beside them (WaveNet, van den Oord et
al. 2016, arXiv 1609.03499, Figure 4) → one block, many times."""

from __future__ import annotations

import pytest
import small
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resgraph import load
from resgraph.importing import from_module


class Layer(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.filter, self.gate = (
            nn.Conv1d(8, 8, 2, dilation=dilation) for _ in range(2)
        )
        self.residual, self.skip = nn.Conv1d(8, 8, 1), nn.Conv1d(8, 12, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        past = F.pad(x, (self.dilation, 0))
        z = torch.tanh(self.filter(past)) * torch.sigmoid(self.gate(past))
        return x + self.residual(z), self.skip(z)


class WaveNet(nn.Module):
    """What the last layer adds to `x` is read by nothing, as in most code, or by the head."""

    def __init__(self, *, reads_last: bool) -> None:
        super().__init__()
        self.start = nn.Conv1d(1, 8, 1)
        self.layers = nn.ModuleList(
            Layer(2**n) for n in (*range(4), *range(3))
        )
        self.head, self.last = nn.Conv1d(12, 5, 1), nn.Conv1d(8, 5, 1)
        self.reads_last = reads_last

    def forward(self, x: Tensor) -> Tensor:
        x, skips = self.start(x), []
        for layer in self.layers:
            x, skip = layer(x)
            skips.append(skip)
        y = self.head(F.relu(sum(skips[1:], skips[0])))
        return y + self.last(x) if self.reads_last else y


@pytest.mark.parametrize("reads_last", [False, True])
def test_layers_are_one_block_that_says_its_dilation(
    reads_last: bool,
) -> None:
    found = from_module(WaveNet(reads_last=reads_last), (1, 64))
    rows = small.lines(found.text)
    assert rows["streams"].startswith(
        "[first, layer, layer dilation 8 padding 8:0, layer dilation 1"
    )
    assert (
        '  layer: {let: {dilation: 4, padding: "4:0"}, reads: [a, b]'
        in (found.text)
    )
    # the last one's sum is behind an activation, and is one more
    assert ("layer-2: {reads" in found.text) == reads_last
    assert "layer-3" not in found.text
    assert found.proof.output is not None and found.proof.output <= 1e-9


def test_ours_comes_back_as_layers() -> None:
    plan = load("wavenet")
    found = from_module(plan.module(), plan.input)
    assert (found.plan.params, found.plan.macs) == (plan.params, plan.macs)
    assert found.text.count("layer dilation") == 7
    assert "layer-2" not in found.text
