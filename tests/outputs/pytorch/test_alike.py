"""Blocks that are alike are worked out once, and are what they would be if each were."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

import resgraph
from resgraph.errors import Source
from resgraph.language.extends import read_source
from resgraph.language.variants import variants_of
from resgraph.outputs.pytorch.alike import Likeness
from resgraph.outputs.pytorch.lower import _Lowering

ZOO = Path(__file__).parents[3] / "specs"


def plan(name: str) -> resgraph.Plan:
    """`pyramidnet`, or `resnet::resnet-50`; of a file with variants its first."""
    file, _, variant = name.partition("::")
    path = ZOO / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    first = next(
        iter(variants_of(read_source(Source(str(path), text), path)[0])),
        None,
    )
    return resgraph.load(
        f"{path}::{variant or first}" if variant or first else path
    )


@pytest.mark.parametrize(
    "name",
    [
        "resnet::resnet-50",
        "cifar-resnet::resnet-56",
        "densenet::densenet-121",
        "stochastic-depth::resnet-110",
        "pyramidnet",
        "hrnet",
        "recurrent-resnet",
        "convnext::convnext-tiny",
        "shufflenet-v2",
    ],
)
def test_the_source_is_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = plan(name)
    once = net.source()
    numbers: Iterator[int] = count()
    monkeypatch.setattr(Likeness, "key", lambda _: (next(numbers),))
    assert net.source() == once


def test_a_deep_net_has_as_many_classes_to_work_out_as_a_shallow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    block = _Lowering.block
    monkeypatch.setattr(
        _Lowering,
        "block",
        lambda self, one: made.append(one.name) or block(self, one),
    )
    counts = []
    for depth in (20, 1202):
        made.clear()
        plan(f"cifar-resnet::resnet-{depth}").source()
        counts.append(len(made))
    assert counts[0] == counts[1] <= 6


def test_the_places_of_a_path_are_worked_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    places = _Lowering.places
    monkeypatch.setattr(
        _Lowering,
        "places",
        lambda self, path: seen.append(path.name) or places(self, path),
    )
    plan("cifar-resnet::resnet-110").source()
    assert sorted(seen) == sorted(set(seen))
