"""What the papers say of their nets that parameters and multiply-adds cannot show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import resgraph
from resgraph.ops import (
    BatchNorm,
    BlurPool,
    ChannelConv,
    Conv,
    Div,
    DropPath,
    Fc,
    GroupNorm,
    Pool,
)
from resgraph.plan import Plan

SPECS = Path(__file__).parents[2] / "specs"


def load(reference: str, *overrides: str) -> Plan:
    return resgraph.load(SPECS / reference, overrides)


def ops(plan: Plan, kind: type[Any], within: str = "") -> Iterator[Any]:
    return (
        n.op
        for name, n in plan.graph.nodes.items()
        if isinstance(n.op, kind) and name.startswith(within)
    )


# What the papers print, and the digits to which they print it.
PRINTED = [
    ("cifar-resnet.yaml::resnet-20", "params", 0.27e6, 0.01e6),
    ("cifar-resnet.yaml::resnet-32", "params", 0.46e6, 0.01e6),
    ("cifar-resnet.yaml::resnet-44", "params", 0.66e6, 0.01e6),
    ("cifar-resnet.yaml::resnet-56", "params", 0.85e6, 0.01e6),
    ("cifar-resnet.yaml::resnet-110", "params", 1.7e6, 0.1e6),
    ("cifar-resnet.yaml::resnet-1202", "params", 19.4e6, 0.1e6),
    ("resnet.yaml::resnet-18", "macs", 1.8e9, 0.1e9),
    ("plain.yaml::plain-34", "macs", 3.6e9, 0.1e9),
    ("resnet-34-options.yaml::resnet-34-a", "macs", 3.6e9, 0.1e9),
    ("resnet-v1.yaml::resnet-101", "macs", 7.6e9, 0.1e9),
    ("resnet-v1.yaml::resnet-152", "macs", 11.3e9, 0.1e9),
    ("vgg.yaml::vgg-19", "macs", 19.6e9, 0.1e9),
    ("preact-resnet.yaml::resnet-164", "params", 1.7e6, 0.1e6),
    ("cifar-highway.yaml::highway-19", "params", 2.3e6, 0.1e6),
    ("cifar-highway.yaml::highway-32", "params", 1.25e6, 0.01e6),
    ("wide-resnet.yaml::wrn-28-10", "params", 36.5e6, 0.1e6),
    ("wide-resnet.yaml::wrn-16-8", "params", 11.0e6, 0.1e6),
    ("resnet-d.yaml::resnet-50-d", "macs", 4.3e9, 0.1e9),
    ("sknet.yaml::sknet-50", "params", 27.5e6, 0.1e6),
    ("resnest.yaml::resnest-50", "params", 27.5e6, 0.1e6),
    ("resnest.yaml::resnest-101", "params", 48.3e6, 0.1e6),
    ("efficientnet-b0.yaml", "macs", 0.39e9, 0.01e9),
]


@pytest.mark.parametrize(
    ("reference", "what", "printed", "digit"),
    PRINTED,
    ids=[f"{p[0]}-{p[1]}" for p in PRINTED],
)
def test_rounds_to_what_the_paper_prints(
    reference: str, what: str, printed: float, digit: float
) -> None:
    assert abs(getattr(load(reference), what) - printed) <= digit / 2


def test_the_paper_cuts_resnet_50_down_to_3_8() -> None:
    assert load("resnet-v1.yaml::resnet-50").macs // 10**8 == 38


def test_34_layers_have_18_percent_of_vgg_19() -> None:
    # He et al. 2015, section 3.3: "only 18% of VGG-19 (19.6 billion FLOPs)", with the cut-down 3.6.
    assert round(100 * 3.6e9 / load("vgg.yaml::vgg-19").macs) == 18


@pytest.mark.parametrize("layers", [20, 32, 44, 56, 110])
def test_a_plain_net_and_its_residual_pair_differ_in_the_sum_alone(
    layers: int,
) -> None:
    plain = load(f"cifar-plain.yaml::plain-{layers}")
    residual = load(f"cifar-resnet.yaml::resnet-{layers}")
    assert (plain.params, plain.macs, plain.depth) == (
        residual.params,
        residual.macs,
        residual.depth,
    )
    assert [o.kernel for o in ops(plain, Conv)] == [
        o.kernel for o in ops(residual, Conv)
    ]


@pytest.mark.parametrize(
    ("reference", "sizes"),
    [
        (
            "resnet.yaml::resnet-50",
            [
                "64x56x56",
                "256x56x56",
                "512x28x28",
                "1024x14x14",
                "2048x7x7",
                "1000",
            ],
        ),
        (
            "cifar-resnet.yaml::resnet-20",
            ["16x32x32", "16x32x32", "32x16x16", "64x8x8", "10"],
        ),
        (
            "vgg.yaml::vgg-16",
            [
                "64x112x112",
                "128x56x56",
                "256x28x28",
                "512x14x14",
                "512x7x7",
                "25088",
                "1000",
            ],
        ),
        (
            "dilated-resnet.yaml::resnet-50",
            [
                "64x56x56",
                "256x56x56",
                "512x28x28",
                "1024x28x28",
                "2048x28x28",
                "1000",
            ],
        ),
    ],
)
def test_rows_have_the_sizes_of_table_1(
    reference: str, sizes: list[str]
) -> None:
    plan = load(reference)
    shapes = [plan.graph.nodes[row.output].shape for row in plan.graph.rows]
    assert ["x".join(map(str, shape)) for shape in shapes] == sizes


def test_stochastic_depth_falls_linearly_to_one_half() -> None:
    # Huang et al. 2016, equation 4: block l of L survives with 1 - l/L*(1 - 0.5).
    rates = [
        op.rate
        for op in ops(load("stochastic-depth.yaml::resnet-110"), DropPath)
    ]
    assert rates == pytest.approx(
        [0.5 * block / 54 for block in range(1, 55)]
    )


def test_convnexts_drop_paths_grow_from_nothing() -> None:
    rates = [
        op.rate
        for op in ops(load("convnext.yaml::convnext-tiny"), DropPath)
    ]
    assert rates == pytest.approx([0.1 * block / 17 for block in range(18)])


@pytest.mark.parametrize("start", [0, -6, -7])
def test_gates_start_where_the_paper_starts_them(start: int) -> None:
    plan = load(f"shortcut-forms.yaml::exclusive-gating-{-start}")
    gates = [
        op
        for name, node in plan.graph.nodes.items()
        if ".gate." in name and isinstance(op := node.op, Conv)
    ]
    assert len(gates) == 54
    assert {(gate.kernel, gate.bias) for gate in gates} == {((1, 1), start)}


def test_highway_gates_carry_at_first() -> None:
    nodes = load("highway.yaml::highway-10").graph.nodes
    gates = [
        node.op
        for name, node in nodes.items()
        if ".T" in name and isinstance(node.op, Fc)
    ]
    assert [gate.bias for gate in gates] == [-2] * 9


@pytest.mark.parametrize(
    ("order", "kinds"),
    [
        ("original", "conv bn relu conv bn add relu"),
        ("bn-after", "conv bn relu conv add bn relu"),
        ("relu-before", "conv bn relu conv bn relu add"),
        ("relu-only", "relu conv bn relu conv bn add"),
        ("full", "bn relu conv bn relu conv add"),
    ],
)
def test_activation_orders_are_those_of_figure_4(
    order: str, kinds: str
) -> None:
    plan = load(f"activation-orders.yaml::{order}")
    block = [
        node.op.op
        for name, node in plan.graph.nodes.items()
        if name.startswith("conv2.1.")
    ]
    assert block == kinds.split()
    assert [op.op for op in ops(plan, object, "conv1")] == [
        "conv",
        "bn",
        "relu",
    ]
    last = {"relu-only": ["relu"], "full": ["bn", "relu"]}.get(order, [])
    assert [op.op for op in ops(plan, object, "head")] == [
        *last,
        "global avg pool",
        "fc",
    ]


@pytest.mark.parametrize(
    ("order", "kinds"),
    [
        ("original", "conv bn relu conv bn relu conv bn add relu"),
        ("bn-after", "conv bn relu conv bn relu conv add bn relu"),
        ("relu-before", "conv bn relu conv bn relu conv bn relu add"),
        ("relu-only", "relu conv bn relu conv bn relu conv bn add"),
        ("full", "bn relu conv bn relu conv bn relu conv add"),
    ],
)
def test_activation_orders_are_the_same_around_bottlenecks(
    order: str, kinds: str
) -> None:
    nodes = load(f"activation-orders-164.yaml::{order}").graph.nodes
    assert [
        node.op.op
        for name, node in nodes.items()
        if name.startswith("conv2.1.")
    ] == kinds.split()


def test_nf_resnets_expect_the_variance_that_sums_give() -> None:
    # Brock et al. 2021: 1 after a transition, 0.2^2 more for each block; a transition sees the whole stage.
    nodes = load("nf-resnet.yaml").graph.nodes
    divisors = [
        node.op
        for name, node in nodes.items()
        if ".pre." in name and isinstance(node.op, Div)
    ]
    variances = [(op.right or 0) ** 2 for op in divisors]
    stages = [
        [1, 1.04, 1.08],
        [1.12, 1.04, 1.08, 1.12],
        [1.16, 1.04, 1.08, 1.12, 1.16, 1.2],
        [1.24, 1.04, 1.08],
    ]
    assert variances == pytest.approx(
        [variance for stage in stages for variance in stage]
    )


def test_eca_reaches_further_in_wider_maps() -> None:
    kernels = [
        op.kernel
        for op in ops(load("resnet-t.yaml::eca-resnet-26-t"), ChannelConv)
    ]
    assert kernels == [5, 5, 5, 5, 5, 5, 7, 7]


def test_regnet_y_squeezes_what_comes_into_the_block() -> None:
    widths = [
        op.width for op in ops(load("regnet.yaml::regnet-y-400mf"), Fc)
    ]
    assert widths[:-1:2] == [8, 12, 26, 26, 26, *[52] * 5, 52, *[110] * 5]


def test_anti_aliased_nets_stride_in_pools_alone() -> None:
    plan = load("anti-aliased.yaml")
    body = [
        n.op for name, n in plan.graph.nodes.items() if ".body." in name
    ]
    assert {op.stride for op in body if isinstance(op, Conv)} == {(1, 1)}
    assert len(list(ops(plan, BlurPool))) == 4
    assert [op.stride for op in ops(plan, Pool)] == [(1, 1)]


def test_group_norm_stands_wherever_batch_norm_did() -> None:
    plan, normed = load("resnet-gn.yaml"), load("resnet.yaml::resnet-50")
    assert not list(ops(plan, BatchNorm))
    assert {op.groups for op in ops(plan, GroupNorm)} == {32}
    assert (
        len(list(ops(plan, GroupNorm)))
        == len(list(ops(normed, BatchNorm)))
        == 53
    )


def test_pyramids_widths_grow_in_every_block() -> None:
    plan = load("pyramidnet.yaml::pyramidnet-110-a270")
    widths = [
        plan.graph.nodes[block.output].shape[0]
        for block in plan.graph.blocks()
    ]
    assert widths == [16 + 5 * (index + 1) for index in range(54)]
