"""Layouts obey the laws whatever the net; the main path is straight and shortcuts keep to their lanes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from drawn import ALL, plan, random_spec
from layout_laws import crossings, leaves, overlaps, shared_lanes
from nets import zoo

from resgraph import Plan, SpecError, load, loads
from resgraph.outputs.figure.content.builder import PartBuilder
from resgraph.outputs.figure.content.comparison_builder import StripBuilder
from resgraph.outputs.figure.content.parts import Fork, Join, Tile
from resgraph.outputs.figure.figures.comparison import RHYTHM as STRIPS
from resgraph.outputs.figure.figures.overview import RHYTHM
from resgraph.outputs.figure.layout.geometry import (
    OPS,
    Placed,
    Placement,
    Wire,
)
from resgraph.outputs.figure.layout.tree import place

SPECS = sorted(Path(__file__).parents[3].joinpath("specs").glob("*.yaml"))
VIEWS = ("stages", "blocks", "ops", "strips")


def laid_out(net: Plan, view: str) -> Placement:
    if view == "strips":
        return place(StripBuilder(net.graph, "blocks").net(), STRIPS)
    return place(
        PartBuilder(net.graph, view).net(), OPS if view == "ops" else RHYTHM
    )  # type: ignore[arg-type]


def lawful(placement: Placement) -> None:
    assert overlaps(placement) == []
    assert crossings(placement) == []
    assert shared_lanes(placement) == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ALL)
def test_small_nets_are_lawful(name: str, view: str) -> None:
    lawful(laid_out(plan(name), view))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_zoo_is_lawful(path: Path) -> None:
    net = zoo(path.name)
    for view in VIEWS:
        lawful(laid_out(net, view))


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_random_graphs_are_lawful(start: int) -> None:
    nets = [
        net for seed in range(start, start + 10) if (net := _random(seed))
    ]
    assert len(nets) > 5
    for net in nets:
        for view in ("stages", "ops", "strips"):
            lawful(laid_out(net, view))


def _random(seed: int) -> Plan | None:
    """The random net of a seed; None where nothing reads one of its paths, which is a mistake in the language."""
    try:
        return loads(random_spec(seed))
    except SpecError as problem:
        if all(found.code == "E034" for found in problem.diagnostics):
            return None
        raise


def test_the_laws_can_be_broken() -> None:
    box = Placed(Tile("a", []), 0, 0, 10, 10, 20)
    other = Placed(Tile("b", []), 5, 10, 10, 10, 20)
    bad = Placement(
        box.part, 10, 15, 30, [box, other], [Wire(((-30, 15), (30, 15)))]
    )
    assert overlaps(bad) == [("a", "b")]
    assert [name for name, *_ in crossings(bad)] == ["a", "b"]
    lane = [Wire(((x, 0), (50, 0), (50, 20), (x, 20))) for x in (0.0, 1.0)]
    assert shared_lanes(Placement(box.part, 0, 60, 30, [], lane))


@pytest.mark.parametrize("name", ["residual", "dense", "plain"])
def test_the_main_path_is_one_straight_line(name: str) -> None:
    placement = laid_out(plan(name), "stages")
    assert {p.x for p in leaves(placement)} == {0.0}


def test_lanes_of_blocks_alike_stand_in_one_line() -> None:
    placement = laid_out(plan("residual"), "blocks")
    lanes = {
        max(x for x, _ in wire.points)
        for wire in placement.wires
        if wire.shortcut
    }
    assert len(lanes) == 1


def test_longer_skips_run_further_out() -> None:
    placement = laid_out(plan("ladder"), "stages")
    skips = [wire for wire in placement.wires if len(wire.points) == 4]
    spans = sorted(
        (wire.points[2][1] - wire.points[1][1], wire.points[1][0])
        for wire in skips
    )
    assert len(spans) == 2
    assert spans[0][1] < spans[1][1]


def test_splits_and_joins_are_never_level() -> None:
    """At least 8 apart, so that neighbours do not merge into a ladder."""
    placement = laid_out(plan("residual"), "blocks")
    dots = [wire.points[0][1] for wire in placement.wires if wire.dot]
    joins = [
        p.y + p.height / 2
        for p in placement.parts
        if isinstance(p.part, Join)
    ]
    assert dots
    assert min(abs(dot - join) for dot in dots for join in joins) >= 8


def test_branches_of_a_fan_stand_on_both_sides() -> None:
    text = """
name: Fan
input: 3x32x32
blocks:
  fan:
    a: 3x3 conv out
    b: 3x3 conv out
    c: 3x3 conv out
    d: [1x1 conv out, 3x3 conv out]
    merge: concat(a b c d)
net:
  only: fan 8
"""
    placement = laid_out(loads(text), "stages")
    xs = sorted(p.x for p in placement.parts if isinstance(p.part, Tile))
    assert [x > 0 for x in xs] == [False, False, True, True]
    assert xs.count(0.0) == 1


GATED_STREAMS = """
name: Streams
input: 3x32x32
blocks:
  first: {z: 3x3 conv in, h: x + z, s: [z, 1x1 conv 16], gives: [h, s]}
  layer:
    reads: [h, s]
    z: [h, 3x3 conv in.0]
    skip: [z, 1x1 conv in.1]
    h2: h + z
    s2: s + skip
    gives: [h2, s2]
net:
  conv1: 3x3 conv 8
  stack: [first, layer, layer]
  near: {y: [stack.h2, 3x3 conv 16], z: [stack.s2, 3x3 conv 16], merge: y + z}
  far: {y: [stack.s2, 3x3 conv 16], next: [x, 3x3 conv 16], merge: y + next}
"""


@pytest.mark.parametrize("view", VIEWS)
def test_each_stream_enters_where_it_is_read(view: str) -> None:
    """No two wires end at one box, and the main path goes on below the first sum."""
    placement = laid_out(loads(GATED_STREAMS), view)
    lawful(placement)
    joins = [p for p in placement.parts if isinstance(p.part, Join)]
    boxes = [p for p in leaves(placement) if not isinstance(p.part, Join)]
    ends = Counter(
        (round(wire.points[-1][0], 1), round(wire.points[-1][1], 1))
        for wire in placement.wires
        if wire.points[0] != wire.points[-1]
    )
    assert all(ends[round(p.x, 1), round(p.y, 1)] <= 1 for p in boxes)
    sums = [p.x for p in joins if ".h" in p.part.name]
    assert len(sums) > 1 and {*sums} == {0.0}


def test_the_wires_of_two_rows_into_one_do_not_meet() -> None:
    """HRNet's head: the map of each size goes down into a column of its own, beside the sum above."""
    placement = laid_out(load("hrnet-w18"), "stages")
    tiles = [p for p in placement.parts if isinstance(p.part, Tile)]
    for row in ("h2", "h3", "h4"):
        own, other = (p for p in tiles if p.part.name.startswith(f"{row}."))
        assert {own.x == 0, other.x == 0} == {True, False}
        beside = max(own, other, key=lambda p: p.x)
        (into,) = (
            wire
            for wire in placement.wires
            if wire.points[0][0] > 0
            and wire.points[-1][0] == beside.x
            and beside.y - 40 < wire.points[-1][1] < beside.y
        )
        assert into.points[0][1] < beside.y - 150


def test_a_net_of_ten_thousand_ops_is_laid_out() -> None:
    text = RESIDUAL_DEEP.format(count=1300)
    net = loads(text)
    assert len(net.graph.nodes) > 10_000
    placement = laid_out(net, "ops")
    assert overlaps(placement) == []
    assert sum(isinstance(p.part, Fork) for p in placement.parts) == 1301


RESIDUAL_DEEP = """
name: Deep
input: 3x8x8
blocks:
  pair:
    body:  [3x3 conv out, 3x3 conv out, 3x3 conv out linear]
    merge: relu(body + shortcut)
net:
  stem: 3x3 conv 4
  deep: {count} x pair
"""
