"""Nets of torchvision and timm, written as specs, have the reference's entries and give the reference's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from meta import meta, unfilled
from nets import zoo
from torch import nn

import resgraph
from resgraph.language.extends import read_file
from resgraph.language.variants import variants_of
from resgraph.outputs.pytorch import source
from resgraph.outputs.pytorch.build import net_class, source_module

from .probe import (
    disagreement,
    entries,
    facts,
    paired,
    probe,
    trained,
    training,
)
from .several import NETS
from .test_axes import VIDEO

ROOT = Path(__file__).parents[2]
GOLDEN: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "golden.yaml").read_text()
)
# measured in several.json
SEVERAL = [f"specs/{name}.yaml" for name in NETS]
# in video.json
CLIPS = [f"specs/video-resnet.yaml::{name}" for name in VIDEO]
# together under half a minute on one core
FAST = {
    "params": 27_000_000,
    "macs": 4_500_000_000,
}


def nets(*, by_cost: bool = False) -> list[Any]:
    """Every pair of library and net; with `by_cost` the expensive ones are marked as slow."""
    found = []
    for library, known in GOLDEN.items():
        for name in known:
            slow = by_cost and any(
                facts(library)[name][cost] > limit
                for cost, limit in FAST.items()
            )
            marks = [pytest.mark.slow] if slow else []
            found.append(
                pytest.param(
                    library, name, id=f"{library}/{name}", marks=marks
                )
            )
    return found


def plan_of(library: str, name: str) -> resgraph.Plan:
    return zoo(GOLDEN[library][name].removeprefix("specs/"))


def meta_net(plan: resgraph.Plan) -> nn.Module:
    with meta():
        return net_class(source_module(source(plan)))()


def test_every_net_that_was_measured_has_a_spec() -> None:
    assert {library: set(known) for library, known in GOLDEN.items()} == {
        library: set(facts(library)) for library in ("torchvision", "timm")
    }


@pytest.mark.parametrize("library", GOLDEN)
def test_what_claims_to_be_a_librarys_net_was_measured(
    library: str,
) -> None:
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        if library in path.read_text():
            spec = f"specs/{path.name}"
            names = variants_of(read_file(path)[0])
            claimed = (
                {f"{spec}::{name}" for name in names} if names else {spec}
            )
            assert claimed <= {*GOLDEN[library].values(), *SEVERAL, *CLIPS}


@pytest.mark.parametrize(("library", "name"), nets())
def test_entries_are_the_references_one_to_one(
    library: str, name: str
) -> None:
    plan = plan_of(library, name)
    net = meta_net(plan)
    pairs = paired(net, library, name)
    assert pairs.keys() == net.state_dict().keys()
    assert set(pairs.values()) == set(entries(library, name))
    known = facts(library)[name]
    assert plan.params == known["params"]
    assert (
        list(plan.input) != known["input_size"]
        or plan.macs == known["macs"]
    )


@pytest.mark.parametrize(("library", "name"), nets(by_cost=True))
def test_logits_are_the_references(library: str, name: str) -> None:
    output = probe(unfilled(plan_of(library, name)), library, name)
    assert disagreement(output, library, name) < 1e-9


def measured_in_training() -> list[Any]:
    """Every net that was; the expensive ones are marked as slow."""
    found = []
    for name in training():
        library, _, net = name.partition("/")
        marks = (
            [pytest.mark.slow]
            if facts(library)[net]["macs"] > 3_000_000_000
            else []
        )
        found.append(pytest.param(name, marks=marks))
    return found


@pytest.mark.parametrize("name", measured_in_training())
def test_training_is_the_references(name: str) -> None:
    """Its output, the gradients of the image and of every parameter, and the statistics of a batch: each by its sum and
    its mean absolute value."""
    library, _, net = name.partition("/")
    golden = training()[name]
    known = {key: golden[key] for key in ("output", "input_gradient")}
    known |= golden["gradients"] | golden["statistics"]
    found = trained(unfilled(plan_of(library, net)), library, net)
    assert found.keys() == known.keys()
    for key, (total, size) in known.items():
        tensor = found[key].double()
        # what is 0 but for rounding, as the gradient of a key's bias, is so for both
        slack = 1e-9 * size + 1e-12
        assert abs(tensor.sum().item() - total) < slack * tensor.numel(), (
            key
        )
        assert abs(tensor.abs().mean().item() - size) < slack, key
