"""Nets of which only the shapes are asked, or that others' numbers fill: without what torch works out for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resgraph import Plan
from resgraph.outputs.pytorch import source
from resgraph.outputs.pytorch.build import (
    _NoNumbers,
    _without_values,
    net_class,
    source_module,
)


def unfilled(plan: Plan) -> nn.Module:
    """The net of a plan before its start values are drawn: a state dict has all of its numbers."""
    with _NoNumbers():
        return _without_values(net_class(source_module(source(plan))))


@contextmanager
def meta() -> Iterator[None]:
    """What is made within is on the meta device, and draws no number, which torch does in Python there."""
    with torch.device("meta"), _NoNumbers():
        yield


@contextmanager
def light_norms() -> Iterator[None]:
    """A batch norm within gives the shape that it got.

    Torch writes it as some twenty operations on meta, each of them Python: three quarters of a net's time.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "batch_norm", _batch_norm)
        yield


def _batch_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    var: Tensor | None,
    *_: Any,
) -> Tensor:
    """Every number of a norm is one of a channel."""
    for one in (weight, bias, mean, var):
        assert one is None or one.shape == x.shape[1:2]
    return torch.empty_like(x)
