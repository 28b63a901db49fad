"""Small models → the YAML that their papers' authors would write, proven equal."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import small
from small import chain, stages
from torch import nn

from resgraph.importing import from_module

INPUT = (3, 16, 16)
TWO = "layer1: 2 x {0} 16\n  layer2: 2 x {0} 32 /2"

CASES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "basic": (lambda: stages(small.Basic), TWO.format("basic")),
    "option A": (
        lambda: stages(small.OptionA),
        f"shortcut: zero-pad\n\nnet:\n  stem:   3x3 conv 16\n  {TWO.format('basic')}",
    ),
    "pre-activation": (
        lambda: stages(small.PreAct),
        "pre:      [bn, relu]",
    ),
    "inverted residual": (
        lambda: stages(small.Inverted),
        "layer1: 2 x inverted-residual 16\n  layer2: 2 x inverted-residual 32 /2",
    ),
    "inverted residual that ends without a sum": (  # as MobileNetV2 does
        lambda: chain(
            small.Inverted(16, 16),
            small.Inverted(16, 32, 2),
            small.Inverted(32, 32),
            small.Inverted(32, 48),
            width=48,
        ),
        "inverted-residual 48",
    ),
    "kernels of their own": (  # as MobileNetV3 has them
        lambda: chain(
            small.Inverted(16, 16),
            small.Inverted(16, 32, 2, kernel=5),
            small.Inverted(32, 32, kernel=5),
            small.Inverted(32, 48),
            width=48,
        ),
        "conv3: [2 x Inverted 32 /2 k 5, Inverted 48]",
    ),
    "gate": (
        lambda: stages(small.Gated),
        TWO.format("se-basic"),
    ),
    "dense": (
        lambda: chain(small.Dense(16, 3), width=28),
        "merge: concat(x body)",
    ),
    "split attention": (
        lambda: chain(small.Split(16), small.Split(16)),
        "2 x split-attention 16 squeeze 8",
    ),
    "shuffle": (lambda: chain(small.Shuffled(16)), "shuffle 2"),
    "ConvNeXt": (
        lambda: chain(small.Next(16), small.Next(16)),
        "2 x convnext",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks_are_found_and_proven(name: str) -> None:
    make, expected = CASES[name]
    found = from_module(make(), INPUT, name="net")
    assert expected in found.text
    proof = found.proof
    assert proof.output is not None and proof.output < 1e-12
    assert proof.gradients is not None and proof.gradients < 1e-7
    assert found.plan.params == sum(p.numel() for p in make().parameters())
    assert not found.plan.unmet() and not found.plan.unused


def test_the_whole_page() -> None:
    found = from_module(stages(small.Basic), INPUT, name="net")
    assert (
        found.text
        == """\
name: net
input: 3x16x16

net:
  stem:   3x3 conv 16
  layer1: 2 x basic 16
  layer2: 2 x basic 32 /2
  head:   [global avg pool, fc 10]

expect: {params: 43_226, macs: 4_567_360, depth: 10, output: 10}
"""
    )


def test_the_names_of_tensors_are_known() -> None:
    model = stages(small.Basic)
    found = from_module(model, INPUT)
    theirs = dict(model.named_parameters()) | dict(model.named_buffers())
    ours = found.plan.module().state_dict()
    learned = {n for n in ours if not n.endswith("num_batches_tracked")}
    assert found.names.keys() == learned
    assert (
        found.names["layer2.0.shortcut.conv.weight"]
        == "layer2.0.down.0.weight"
    )
    for one, other in found.names.items():
        assert ours[one].shape == theirs[other].shape


def stripped(module: nn.Module, numbers: Any) -> nn.Module:
    """A copy of a net whose modules are called m0, m1, … and say nothing."""
    for name, child in list(module._modules.items()):
        if child is not None and isinstance(module, nn.Sequential):
            del module._modules[name]
            module._modules[f"m{next(numbers)}"] = child
        if child is not None:
            stripped(child, numbers)
    return module


@pytest.mark.parametrize("block", [small.Basic, small.Inverted])
def test_without_module_names_only_names_differ(
    block: type[nn.Module],
) -> None:
    spoken = from_module(stages(block), INPUT, name="net").text
    silent = from_module(
        stripped(stages(block), count()), INPUT, name="net"
    ).text
    rows = [line.partition(":")[2].strip() for line in spoken.splitlines()]
    assert rows == [
        line.partition(":")[2].strip() for line in silent.splitlines()
    ]


def test_the_model_stays_as_it_is() -> None:
    model = stages(small.Basic)
    before = {
        name: value.clone() for name, value in model.state_dict().items()
    }
    from_module(model, INPUT)
    after = model.state_dict()
    assert all(
        (after[name] == value).all() for name, value in before.items()
    )
    assert model.training
