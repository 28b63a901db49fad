"""What the source does in place: the same numbers and gradients as without, in every precision, also recomputed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from functools import cache

import pytest
import torch
from nets import short
from torch import nn

import resgraph
from resgraph.outputs.pytorch import module, source
from resgraph.outputs.pytorch.build import (
    _NoNumbers,
    _without_values,
    net_class,
    source_module,
)
from resgraph.train.parallel.checkpointing import (
    blocks_of,
    checkpoint_blocks,
)

IN_PLACE = [
    "activation-orders.yaml::relu-before",
    "activation-orders.yaml::bn-after",
    "cifar-highway.yaml::highway-19",
    "cifar-resnet.yaml::resnet-20",
    "densenet.yaml::densenet-121",
    "mixed.yaml",
    "preact-resnet.yaml::resnet-164",
    "repvgg.yaml::repvgg-a0",
    "res-unet.yaml",
    "res2net.yaml::res2net-50",
    "senet.yaml::se-resnet-50",
    "stochastic-depth.yaml::resnet-110",
]


def nets_of(text: str) -> tuple[nn.Module, nn.Module]:
    """The net of a source, and the same net with nothing in place."""
    net = net_class(source_module(text))()
    plain = re.sub(
        r"^( +)(\w+) \+= (.+)$",
        r"\1\2 = \2 + (\3)",
        text.replace("inplace=True", ""),
        flags=re.MULTILINE,
    )
    assert plain != text
    with _NoNumbers():
        other = _without_values(net_class(source_module(plain)))
    other.load_state_dict(net.state_dict())
    return net, other


@cache
def zoo_nets(name: str) -> tuple[nn.Module, nn.Module]:
    """Those of the zoo, for both precisions."""
    return nets_of(source(short(name)))


def results(
    net: nn.Module, image: torch.Tensor, *, bf16: bool = False
) -> list[torch.Tensor]:
    """What comes out, every gradient, and the statistics."""
    torch.manual_seed(0)
    net.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        output = net(image)
    output.float().square().sum().backward()
    return [
        output,
        *(p.grad for p in net.parameters() if p.grad is not None),
        *net.buffers(),
    ]


def same(
    one: Iterable[torch.Tensor], other: Iterable[torch.Tensor]
) -> bool:
    return all(
        a.dtype == b.dtype and torch.equal(a, b)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", IN_PLACE)
def test_what_is_in_place_changes_no_number(name: str, bf16: bool) -> None:
    net, plain = zoo_nets(name)
    channels, size, _ = short(name).input
    image = torch.randn(2, channels, min(size, 32), min(size, 32))
    assert same(
        results(net, image, bf16=bf16), results(plain, image, bf16=bf16)
    )


SUMS = """
name: net
input: 3x16x16
blocks:
  res:
    body: [3x3 conv out, 3x3 conv out {end}]
    merge: {merge}
net:
  a: 3x3 conv 8
  b: 2 x res 8
  c: 3x3 conv 8 linear
  d: [c + a, 3x3 conv 8 linear]
  e: [d + b, global avg pool, fc 5]
"""


@pytest.mark.parametrize(
    "end", ["linear", "sigmoid", "elu", "tanh", "linear, leaky relu"]
)
@pytest.mark.parametrize(
    "merge",
    [
        "relu(body + x)",
        "body + x",
        "elu(body + x + x*x)",
        "body + x*body",
        "body*(body + x)",
    ],
)
def test_gradients_whatever_a_body_ends_in(end: str, merge: str) -> None:
    net, plain = nets_of(
        source(resgraph.loads(SUMS.format(end=end, merge=merge)))
    )
    image = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    pairs = zip(
        results(net.double(), image),
        results(plain.double(), image),
        strict=True,
    )
    # elu's formulas round
    assert all(
        torch.allclose(one, other, rtol=1e-9, atol=1e-12)
        for one, other in pairs
    )


def test_a_sum_of_precisions_keeps_the_wider_one() -> None:
    text = "name: n\ninput: 4x8x8\nnet:\n  a: {wide}\n  b: 3x3 conv 4 bare\n  c: [b + a, global avg pool]\n"
    image = torch.randn(2, 4, 8, 8)
    for wide, dtype in (
        ("[3x3 conv 4, scale]", torch.float32),
        ("3x3 conv 4", torch.bfloat16),
    ):
        net = module(resgraph.loads(text.format(wide=wide)))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert net(image).dtype == dtype
        assert ("+=" in inspect.getsource(type(net))) == (
            dtype == torch.bfloat16
        )


def test_what_is_added_to_can_be_recomputed() -> None:
    text = source(
        resgraph.loads(SUMS.format(end="linear", merge="relu(body + x)"))
    )
    assert text.count("+=") == 3
    net, plain = nets_of(text)
    checkpoint_blocks(net, blocks_of(net))
    image = torch.randn(2, 3, 16, 16)
    assert same(results(net, image), results(plain, image))
