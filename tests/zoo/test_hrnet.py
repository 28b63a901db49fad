"""HRNet-W18 is timm's: entries, costs, outputs, gradients and running statistics."""

from __future__ import annotations

import math

import pytest
import torch
from references import torchvision
from torch.utils.flop_counter import FlopCounterMode

import resgraph
from resgraph.language.references import zoo_folder

from .hrnet import facts, measure, own_name


def test_it_has_timm_s_entries_and_costs() -> None:
    known, plan = facts(), resgraph.load("hrnet-w18")
    assert (plan.params, plan.macs) == (known["params"], known["macs"])
    net = plan.module(device="meta")
    state = {
        key: list(value.shape) for key, value in net.state_dict().items()
    }
    assert state == {
        f"{own_name(key.rpartition('.')[0])}.{key.rpartition('.')[2]}": shape
        for key, shape in known["entries"].items()
    }


@pytest.mark.slow
def test_it_gives_and_learns_what_timm_s_does() -> None:
    known = facts()
    found = measure(
        resgraph.load("hrnet-w18").module(), known["entries"], own_name
    )
    for what in ("eval", "train", "gradients"):
        for ours, theirs in zip(found[what], known[what], strict=True):
            assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(found["means"], known["means"], rel_tol=1e-9)


def test_it_is_written_as_its_table() -> None:
    text = (zoo_folder() / "hrnet.yaml").read_text()
    lines = text.partition("\nvariants:")[0].splitlines()
    assert len(lines) < 50, "with one row for each map of each module"


@pytest.mark.slow
@pytest.mark.parametrize("width", [18, 30, 32, 40, 44, 48, 64])
def test_the_other_widths_have_timm_s_costs(width: int) -> None:
    torchvision()
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        theirs, image = timm.create_model(f"hrnet_w{width}").eval(), torch.zeros(1, 3, 224, 224)  # fmt: skip
    plan = resgraph.load(f"hrnet-w{width}")
    with FlopCounterMode(display=False) as counter:
        theirs(image)
    assert plan.params == sum(p.numel() for p in theirs.parameters())
    assert plan.macs == counter.get_total_flops() // 2


@pytest.mark.slow
def test_the_facts_are_timm_s() -> None:
    torchvision()
    timm = pytest.importorskip("timm")
    net, known = timm.create_model("hrnet_w18"), facts()
    assert {k: list(v.shape) for k, v in net.state_dict().items()} == known[
        "entries"
    ]
    assert sum(p.numel() for p in net.parameters()) == known["params"]
    found = measure(net, known["entries"], lambda layer: layer)
    for what in ("eval", "train", "gradients"):
        assert found[what] == pytest.approx(known[what], rel=1e-9, abs=1e-9)
