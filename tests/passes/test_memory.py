"""What a step keeps for the backward pass, against torch's own autograd, where windows slide over padded copies."""

from __future__ import annotations

import pytest
import torch

import resgraph
from resgraph.passes.memory import kept_numbers

NET = """
name: padded
input: 3x12x10
unit: conv relu
net:
  a: [3x3 conv 6 {pad}, 3x3 depthwise conv {pad}, {pool} pool /2 {pad}]
  head: [flatten, fc 5]
"""


def measured(plan: resgraph.Plan) -> int:
    """The numbers of activations that autograd holds for an image."""
    net, held = plan.module(), {}
    own = {p.untyped_storage().data_ptr() for p in net.parameters()}

    def pack(x: torch.Tensor) -> torch.Tensor:
        place = x.untyped_storage().data_ptr()
        if x.is_floating_point() and place not in own:
            held[place] = x.untyped_storage().nbytes() // x.element_size()
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        # what is kept alive, so that no place is given twice
        out = net(torch.randn(1, *plan.input, requires_grad=True))
    assert out.requires_grad
    return sum(held.values())


@pytest.mark.parametrize("pool", ["3x3 max", "3x3 avg"])
@pytest.mark.parametrize(
    "pad",
    [
        "",
        "pad 2:0",
        "pad same",
        "reflect",
        "replicate",
        "pad 1x0:2 reflect",
    ],
)
def test_padded_copies_count(pad: str, pool: str) -> None:
    plan = resgraph.loads(NET.format(pad=pad, pool=pool))
    assert sum(kept_numbers(plan.graph).values()) == measured(plan)
