"""Nets of several outputs are the references': entries, costs, what they give in evaluation and in training, gradients and
running statistics."""

from __future__ import annotations

import math

import pytest
from meta import unfilled
from references import torchvision
from torch import nn

import resgraph

from .several import (
    NETS,
    Several,
    apart,
    evaluated,
    facts,
    in_order,
    load,
    measure,
    trained,
)

SEGMENTERS = ("fcn-resnet-50", "deeplabv3-resnet-50")
every_net = pytest.mark.parametrize("name", NETS)


def but_slow(*names: str) -> pytest.MarkDecorator:
    """Every net, some of them in the slow tests alone."""
    marks = {name: [pytest.mark.slow] for name in names}
    cases = [pytest.param(name, marks=marks.get(name, ())) for name in NETS]
    return pytest.mark.parametrize("name", cases)


def filled_net(name: str) -> tuple[nn.Module, Several]:
    """Our net with the probe's weights."""
    net = unfilled(resgraph.load(name))
    load(net, NETS[name].order, facts()[name]["entries"])
    return net, NETS[name]


@every_net
def test_entries_and_costs(name: str) -> None:
    known, several = facts()[name], NETS[name]
    size = "x".join(map(str, several.train_size))
    plan = resgraph.load(name, [f"input=3x{size}"])
    net = plan.module(device="meta")
    state = net.state_dict()
    own = [list(state[key].shape) for key in in_order(net, several.order)]
    assert own == list(known["entries"].values())
    assert (plan.params, plan.macs) == (known["params"], known["macs"])


@but_slow("fcn-resnet-50")
def test_evaluation(name: str) -> None:
    net, several = filled_net(name)
    ours = evaluated(net, several.eval_size)
    theirs = known_outputs(name)
    assert [out["shape"] for out in ours] == [
        out["shape"] for out in theirs
    ]
    assert apart(ours, theirs) < 1e-9


def known_outputs(name: str) -> list[dict[str, object]]:
    """The reference's outputs in evaluation, without those that our net has in training alone."""
    aux = resgraph.load(name).aux
    known: list[dict[str, object]] = facts()[name]["eval"]
    return known[: len(known) - len(aux)] if name in SEGMENTERS else known


@but_slow("inception-v3", *SEGMENTERS)
def test_a_step_of_training(name: str) -> None:
    net, several = filled_net(name)
    known = facts()[name]["train"]
    ours = trained(net, several.train_size, several.order)
    assert apart(ours["outputs"], known["outputs"]) < 1e-9
    largest = max(known["norms"])
    pairs = zip(ours["norms"], known["norms"], strict=True)
    assert all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12 * largest)
        for a, b in pairs
    )


@pytest.mark.slow
@every_net
def test_the_facts_are_the_references(name: str) -> None:
    library = torchvision()
    pytest.importorskip("torchvision.models.detection.backbone_utils")
    known, measured = facts()[name], measure(name, library)
    assert measured["entries"] == known["entries"]
    assert (measured["params"], measured["macs"]) == (
        known["params"],
        known["macs"],
    )
    assert apart(measured["eval"], known["eval"]) < 1e-9
    assert (
        apart(measured["train"]["outputs"], known["train"]["outputs"])
        < 1e-9
    )
