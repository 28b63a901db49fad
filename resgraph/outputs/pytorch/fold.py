"""A net's weights and the norms that are folded → the weights of the net without them, which
computes the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from msgspec.structs import replace
from torch import Tensor

from ...ops import BatchNorm, DepthwiseConv, UpConv
from ...ops.base import Op
from ...passes.fold import fold_batch_norm

if TYPE_CHECKING:
    from ...plan import Plan

_OF_NORM = (
    "weight",
    "bias",
    "running_mean",
    "running_var",
    "num_batches_tracked",
)


def fold(
    plan: Plan, state: Mapping[str, Tensor]
) -> tuple[Plan, dict[str, Tensor]]:
    """The plan without the batch norms that fold, and its weights made from those of `plan`'s
    module.

    In evaluation the two nets agree up to rounding (the products are taken in float64). What does
    not fold is kept."""
    graph, folded = fold_batch_norm(plan.graph)
    new = dict(state)
    own = {
        n: t for n, t in folded.items() if not plan.graph.nodes[n].shares
    }
    for norm, taker in own.items():
        scale, shift, mean, variance = (
            new[f"{norm}.{key}"].double() for key in _OF_NORM[:4]
        )
        taking = plan.graph.nodes[taker].op
        norming = plan.graph.nodes[norm].op
        assert isinstance(norming, BatchNorm)
        factor = scale * (variance + norming.eps).rsqrt()
        layers = _layers(taker, taking, len(factor))
        widths = [*layers.values()]
        each = (
            torch.split(numbers, widths)
            for numbers in (factor, shift, mean)
        )
        for layer, *taken in zip(layers, *each, strict=True):
            _take(new, layer, taking, taken)
        for key in _OF_NORM:
            new.pop(f"{norm}.{key}", None)
    return replace(plan, graph=graph), new


def _layers(name: str, op: Op, width: int) -> dict[str, int]:
    """The modules whose filters are those of a layer, and how many channels each gives."""
    widths = op.widths(width) if isinstance(op, DepthwiseConv) else [width]
    return dict(zip(op.owners(name), widths, strict=True))


def _take(
    state: dict[str, Tensor], layer: str, op: Op, norm: Sequence[Tensor]
) -> None:
    """The filters and the bias of a layer with a norm's factor, shift and mean."""
    factor, shift, mean = norm
    weight, bias = state[f"{layer}.weight"], state.get(f"{layer}.bias")
    scaled = _scaled(weight.double(), factor, op)
    moved = -mean if bias is None else bias.double() - mean
    state[f"{layer}.weight"] = scaled.to(weight.dtype)
    state[f"{layer}.bias"] = torch.addcmul(shift, factor, moved).to(
        weight.dtype
    )


def _scaled(weight: Tensor, factor: Tensor, op: Op) -> Tensor:
    """Each filter times its factor. The filters of a transposed convolution lie along its second
    axis, by groups."""
    if not isinstance(op, UpConv):
        return weight * factor.view(-1, *(1,) * (weight.dim() - 1))
    parts = weight.view(op.groups, -1, *weight.shape[1:])
    each = factor.view(op.groups, 1, -1, *(1,) * (weight.dim() - 2))
    return (parts * each).view_as(weight)
