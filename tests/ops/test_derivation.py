"""What `explain` writes out is what the ops count: each derivation, worked out, is the number that it derives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resgraph import load
from resgraph.language.grammar.arithmetic import NameValue, evaluate
from resgraph.language.grammar.expression import Name, parse_expression
from resgraph.ops import Op, Shape

from .rows import OWN, ROWS, Row

SPECS = Path(__file__).parents[2] / "specs"
NETS = [
    "resnet-d.yaml::resnet-50-d", "efficientnet-b0.yaml", "convnext.yaml::convnext-tiny", "digits-mlp.yaml",
    "res-unet.yaml", "digits.yaml", "nf-resnet.yaml", "res2net.yaml::res2net-50", "anti-aliased.yaml",
    "vgg.yaml::vgg-11", "resnet-gn.yaml", "pruned.yaml", "densenet.yaml::densenet-121",
]  # fmt: skip


def worked_out(text: str) -> Fraction:
    def no_name(name: Name) -> NameValue:
        raise AssertionError(f"{name.name} in {text}")

    value = evaluate(parse_expression(text), no_name)
    assert isinstance(value, Fraction)
    return value


def check(op: Op, shapes: list[Shape]) -> None:
    found = op.derive(*shapes)
    shape = op.infer(*shapes)
    cost = op.cost(*shapes)
    before = shapes[0] if shapes else shape
    for axis in range(len(shape)):
        text = found.axes[axis] if axis < len(found.axes) else ""
        assert (worked_out(text) if text else before[axis]) == shape[
            axis
        ], (op, text)
    assert (
        worked_out(found.params) if found.params else 0
    ) == cost.params, (
        op,
        found.params,
    )
    assert (worked_out(found.macs) if found.macs else 0) == cost.macs, (
        op,
        found.macs,
    )


@pytest.mark.parametrize("row", ROWS + OWN, ids=Row.name)
def test_every_op_is_derived(row: Row) -> None:
    check(row.op, [row.x])


@pytest.mark.parametrize("net", NETS)
def test_derivations_come_to_what_the_ops_say(net: str) -> None:
    graph = load(SPECS / net).graph
    for node in graph.nodes.values():
        check(node.op, [graph.nodes[name].shape for name in node.inputs])
