"""Compiling by structure: a few graphs for a net of any depth, the same numbers, the same keys."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

import resgraph
from resgraph.outputs.pytorch import module
from resgraph.outputs.pytorch.compile import chunks, compile_blocks

# Dynamo looks at the gradient of what flows from one graph into the next.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor:UserWarning"
)

DEEP = """
name: deep
input: 4x8x8
blocks:
  pair:
    body: [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  stem: 3x3 conv 8
  a: 18 x pair 8
  b: 15 x pair 8 /2
  head: [global avg pool, fc 3]
"""


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """In chunks of two and three blocks: what is compiled is a third of what it is by eight."""
    monkeypatch.setattr("resgraph.outputs.pytorch.compile.LARGEST", 4)
    torch._dynamo.reset()
    torch.manual_seed(0)
    return module(resgraph.loads(DEEP))


def test_graphs_are_as_many_as_structures_and_never_more(
    net: nn.Module,
) -> None:
    plain = copy.deepcopy(net)
    counter = CompileCounterWithBackend("eager")
    # stem, a, b's first, b, head
    assert compile_blocks(net, backend=counter) == 5
    image = torch.randn(2, 4, 8, 8)
    for _ in range(3):
        assert torch.allclose(net(image), plain(image), atol=1e-5)
    trained = counter.frame_count
    assert trained == 5
    net.eval()
    plain.eval()
    with torch.no_grad():
        for _ in range(3):
            assert torch.allclose(net(image), plain(image), atol=1e-5)
    assert counter.frame_count == 2 * trained
    net.train()
    net(image)
    assert counter.frame_count == 2 * trained


def test_gradients_are_those_of_the_plain_net(net: nn.Module) -> None:
    plain = copy.deepcopy(net)
    compile_blocks(net, backend="aot_eager")
    image = torch.randn(2, 4, 8, 8)
    for one in (net, plain):
        one(image).square().sum().backward()
    for a, b in zip(net.parameters(), plain.parameters(), strict=True):
        assert a.grad is not None and b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-5)


def test_keys_copies_and_pickles_stay(net: nn.Module) -> None:
    keys = list(net.state_dict())
    compile_blocks(net, backend="eager")
    assert list(net.state_dict()) == keys
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert list(copied.state_dict()) == keys
        assert all(
            row._compiled_call_impl is None for row in copied.children()
        )


@pytest.mark.parametrize(
    ("widths", "sizes"),
    [
        ([4] * 18, [6, 6, 6]),
        ([4] * 16, [8, 8]),
        ([4] * 8, [8]),
        ([4] * 200, [8] * 25),
        ([3, *[4] * 17], [2, 8, 8]),
        ([1, 2, 3], [3]),
        ([*range(1, 12)], [8, 3]),
        ([], []),
    ],
)
def test_chunks(widths: list[int], sizes: list[int]) -> None:
    blocks: list[nn.Module] = [nn.Linear(width, width) for width in widths]
    found = chunks(blocks)
    assert [len(chunk) for chunk in found] == sizes
    assert [block for chunk in found for block in chunk] == blocks
