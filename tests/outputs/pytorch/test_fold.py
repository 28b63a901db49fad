"""Batch norms folded: the same outputs to 1e-5 for every way in which a norm can stand, and the same names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from nets import short
from torch import nn

import resgraph
from resgraph.outputs.pytorch.fold import fold
from resgraph.passes.fold import fold_batch_norm

SPECS = Path(__file__).parents[3] / "specs"
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
NETS = {  # and how many of its norms stay
    "digits.yaml": 0,
    "cifar-resnet.yaml::resnet-20": 0,
    "resnet.yaml::resnet-18": 0,
    "mobilenet-v2.yaml": 0,
    "mixed.yaml": 0,
    "repvgg.yaml::repvgg-a0": 3,  # of its identities: there is no convolution before them
    "activation-orders.yaml::bn-after": 7,  # after the sum
    "preact-resnet.yaml::resnet-164": 6,  # before each block: the sum is read twice
}


def plan(rows: str, *, top: str = "") -> resgraph.Plan:
    return resgraph.loads(
        "\n  ".join(
            [f"name: test\ninput: 16x8x8\n{top}\nnet:", *rows.split("\n")]
        )
    )


def used(net: nn.Module) -> nn.Module:
    """The net in evaluation, as if trained: each norm with a scale, a shift and statistics of its own."""
    luck = torch.Generator().manual_seed(1)
    for module in net.modules():
        if isinstance(module, NORMS):
            for value, (low, high) in (
                (module.weight.data, (0.5, 1.5)),
                (module.bias.data, (-0.5, 0.5)),
                (module.running_mean, (-0.5, 0.5)),
                (module.running_var, (0.5, 2.0)),
            ):
                assert value is not None
                value.uniform_(low, high, generator=luck)
    return net.eval()


def both(
    of: resgraph.Plan, dtype: torch.dtype = torch.float64
) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    net = used(of.module(dtype=dtype))
    smaller, state = fold(of, net.state_dict())
    folded = smaller.module(dtype=dtype).eval()
    folded.load_state_dict(state)
    return net, folded


def apart(of: resgraph.Plan, net: nn.Module, folded: nn.Module) -> float:
    """The largest difference of the outputs, relative to the largest output."""
    dtype = next(net.parameters()).dtype
    draw = torch.Generator().manual_seed(2)
    channels, *sides = of.input
    shape = (2, channels, *(min(side, 64) for side in sides))
    images = torch.randn(shape, generator=draw, dtype=dtype)
    with torch.no_grad():
        wanted, found = net(images), folded(images)
    assert float(wanted.std()) > 0
    return float((wanted - found).abs().max() / wanted.abs().max())


def norms(net: nn.Module) -> int:
    return sum(isinstance(module, NORMS) for module in net.modules())


@pytest.mark.parametrize("name", NETS)
def test_a_folded_net_computes_the_same(name: str) -> None:
    of = short(name)
    net, folded = both(of)
    assert norms(folded) == NETS[name] < norms(net)
    assert apart(of, net, folded) < 1e-9


@pytest.mark.parametrize(
    "name", ["digits.yaml", "cifar-resnet.yaml::resnet-20"]
)
def test_in_float32_too(name: str) -> None:
    of = short(name)
    assert 0 < apart(of, *both(of, torch.float32)) < 1e-5


@pytest.mark.parametrize(
    ("rows", "stays"),
    [
        (
            "a: [3x3 conv 12 groups 4, 2x2 up conv 8 /2 groups 2, 3x3 depthwise conv]",
            0,
        ),
        (
            "a: [3x3 depthwise conv mixed 3, 3x3 depthwise conv /2 mixed 2]",
            0,
        ),
        ("a: 3x3 depthwise conv mixed 3 bias 0.5", 0),
        ("a: [global avg pool, fc 8, bn, relu]", 0),
        ("a: [3x3 conv 8 bare, bn, relu]", 0),
        ("a: [3x3 conv 8 bare, relu, bn]", 1),
        ("a: 3x3 conv 8 bare\nb: bn\nc: relu\nd: concat(a c)", 1),
        ("a: 3x3 conv 8 bare\nb: bn\nc: relu\nd: concat(b c)", 0),
        (
            "a: {pre: [bn, relu], body: [pre, 3x3 conv 16], merge: body + pre}",
            1,
        ),
    ],
)
def test_where_norms_stand(rows: str, stays: int) -> None:
    of = plan(rows)
    net, folded = both(of)
    assert norms(folded) == stays
    assert apart(of, net, folded) < 1e-9


@pytest.mark.parametrize(
    ("size", "kernel"), [("6x12", "5"), ("6x6x6x6", "3x3x3")]
)
def test_a_norm_folds_along_one_axis_and_three(
    size: str, kernel: str
) -> None:
    """Where widths are equal a factor that stands along another axis raises nothing."""
    of = resgraph.loads(
        f"name: t\ninput: {size}\nnet:\n  a: [{kernel} up conv 6 /2, {kernel} up conv 8 groups 2]\n"
        f"  b: [{kernel} conv 8 groups 4, {kernel} depthwise conv]\n"
    )
    net, folded = both(of)
    assert (norms(net), norms(folded)) == (4, 0)
    assert apart(of, net, folded) < 1e-9


def test_a_bias_is_kept_and_its_start_with_it() -> None:
    of = plan("a: 3x3 conv 8 bias 0.5")
    net, folded = both(of)
    assert norms(net) == 1
    assert norms(folded) == 0
    assert apart(of, net, folded) < 1e-9


def test_what_remains_keeps_its_name_and_its_costs_are_right() -> None:
    of = resgraph.load(SPECS / "resnet.yaml::resnet-18")
    graph, folded = fold_batch_norm(of.graph)
    assert folded["conv3.0.body.1.bn"] == "conv3.0.body.1.conv"
    assert set(graph.nodes) == set(of.graph.nodes) - set(folded)
    _, smaller = both(of)
    assert graph.cost.params == sum(
        value.numel() for value in smaller.parameters()
    )
    assert graph.cost.macs == of.macs
    # the graph that was given is as before
    assert of.graph.nodes["conv3.0.body.1.bn"].inputs == (
        "conv3.0.body.1.conv",
    )
