"""Batch statistics over all processes: every batch norm of a net, or a refusal."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from nets import plan
from torch import Tensor, nn

from resgraph.errors import UsageError
from resgraph.train.engine.sync_bn import with_sync_bn


class GatedNorm(nn.BatchNorm2d):
    """More than a batch norm, as an op of a package may be."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.sigmoid(x)


def test_every_batch_norm_is_converted_with_its_weights() -> None:
    net = plan("a: 3x3 conv 8\nb: basic 16 /2", input="3x8x8").module()
    before = net.state_dict()
    norms = sum(isinstance(each, nn.BatchNorm2d) for each in net.modules())
    made = with_sync_bn(net)
    assert norms == 4
    assert norms == sum(
        isinstance(each, nn.SyncBatchNorm) for each in made.modules()
    )
    after = made.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_norm_that_is_more_is_refused() -> None:
    net = nn.Sequential(nn.BatchNorm2d(4), nn.Sequential(GatedNorm(4)))
    with pytest.raises(
        UsageError, match=r"`1\.0` is a GatedNorm, of which"
    ):
        with_sync_bn(net)
