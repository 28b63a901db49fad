"""A net as other tools meet it: each op is a module under its own name, and nothing need be written over."""

from __future__ import annotations

import pytest
import torch
from nets import short
from torch import nn

import resgraph
from resgraph.outputs.pytorch.export import apart

NETS = ("digits.yaml", "digits-mlp.yaml", "highway.yaml", "nf-resnet.yaml")
MIXED = """
name: mixed
input: 4x8x8
blocks:
  gate: {pre: tanh(x), body: 3x3 conv out, merge: ["sigmoid(pre)*body + x", bn, relu]}
  se: {s: [global avg pool, fc 2 relu, fc out sigmoid], merge: s*x}
net:
  a: [gate 4, se 4]
  first_relu: [global avg pool]
  first: fc 3 relu
"""
STREAMS = """
name: streams
input: 3x8x8
blocks:
  split: {a: 3x3 conv 4, b: 3x3 conv 8 /2, gives: [a, b]}
  gated:
    reads: [a, b]
    p: relu(a)
    q: [tanh(b) * 2, 3x3 conv in.1]
    r: [sigmoid(p), 3x3 conv in.0]
    gives: [r, q]
net:
  z: 3x3 conv 3
  s: [relu(z), split, gated]
  t: {b: [s.q, upsample 2], merge: relu(concat(s.r b))}
  head: [global avg pool, fc 3 relu]
"""


PLANS = [*map(short, NETS), *map(resgraph.loads, (MIXED, STREAMS))]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_the_name_of_a_node_is_the_path_of_its_module(
    plan: resgraph.Plan,
) -> None:
    net = plan.module(device="meta")
    modules = [
        net.get_submodule(node.name)
        for node in plan.graph.nodes.values()
        if node.op.family not in ("input", "merge")
    ]
    assert len({*map(id, modules)}) == len(modules)
    linear = [module for module in modules if isinstance(module, nn.Linear)]
    assert all(type(module) is nn.Linear for module in linear)
    assert not any(list(module.children()) for module in linear)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_without_inplace_the_numbers_are_the_same(
    plan: resgraph.Plan,
) -> None:
    text = plan.source(inplace=False)
    assert "inplace=True" not in text
    assert "+=" not in text
    channels, *sides = plan.input
    image = torch.randn(4, channels, *(min(side, 32) for side in sides))
    results = []
    for inplace in (True, False):
        torch.manual_seed(0)
        net = plan.module(inplace=inplace)
        y = net(image)
        y.square().sum().backward()
        results.append([y, *(weight.grad for weight in net.parameters())])
    assert all(map(torch.equal, *results))


def test_hooks_see_what_a_block_adds() -> None:
    plan = resgraph.load("digits")
    net, seen = plan.module(inplace=False).eval(), {}
    for name in ("conv2.body", "conv2"):
        net.get_submodule(name).register_forward_hook(
            lambda _, args, out, name=name: seen.update(
                {name: (args[0], out)}
            )
        )
        net.get_submodule(name).register_full_backward_hook(lambda *_: None)
    net(torch.randn(2, *plan.input, requires_grad=True)).sum().backward()
    x, out = seen["conv2"]
    assert torch.equal(torch.relu(seen["conv2.body"][1] + x), out)


def test_small_outputs_are_compared_by_their_size() -> None:
    def same(x: torch.Tensor) -> torch.Tensor:
        return x

    small, zeros = torch.tensor([2e-9, -1e-9]), torch.zeros(2)
    assert apart(same, lambda x: 1.04 * x, [small]) == pytest.approx(
        0.04, rel=1e-3
    )
    assert apart(same, same, [small]) == 0
    assert apart(same, same, [zeros]) == 0
