"""Blocks of a repeat are copied where they are alike, and are what they would be if made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from nets import spec

import resgraph
from resgraph.errors import Source
from resgraph.language.spec import text_spec
from resgraph.passes.expand.copies import Template
from resgraph.passes.expand.items import ItemMaker
from resgraph.plan import Plan, plan_of

ZOO = Path(__file__).parents[2] / "specs"
BLOCKS = """\
blocks:
  pair:
    body: [3x3 conv out /stride, 3x3 conv out linear]
    merge: relu(body + shortcut)
  drop:
    body: [3x3 conv out, drop path index/total]
    merge: body + shortcut
  twice:
    one: 2 x pair out
    two: [again one, 3 x drop out]
    merge: relu(two + x)
  wider:
    let: {width: 8 * index + 16}
    body: [3x3 conv width]
    merge: body
"""
ROWS = {
    "alike": "one: 6 x pair 32 /2",
    "a counter, in an op": "one: 6 x drop 16",
    "a counter, in a block within": "one: 4 x twice 16",
    "another width each": "one: 5 x wider",
    "a counter of the row, in the call": "one: 5 x pair 8*row_index+16",
    "again": "one: 4 x pair 16\ntwo: 3 x again one.3",
    "a shortcut that is none": "one: 4 x pair 16 shortcut none",
    "an inline block": "one: 3x3 conv 16\ntwo: {repeat: 4, body: [3x3 conv 16], merge: body + one}",
}


def plan(rows: str) -> Plan:
    """A net that need not use all blocks."""
    text = spec(rows, top=BLOCKS)
    return plan_of(text_spec(Source("<text>", text)), strict=False)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_a_copy_is_what_would_be_made(
    rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = plan(rows)
    monkeypatch.setattr(Template, "fits", lambda *_: False)
    anew = plan(rows)
    assert copied.graph == anew.graph
    assert [*copied.sources] == [*anew.sources]
    assert copied.source() == anew.source()


def test_a_deep_net_makes_as_many_blocks_as_a_shallow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    call = ItemMaker.call
    monkeypatch.setattr(
        ItemMaker,
        "call",
        lambda self, *rest: made.append("") or call(self, *rest),
    )
    for name in ("resnet-20", "resnet-1202"):
        made.clear()
        found = resgraph.load(f"{ZOO / 'cifar-resnet.yaml'}::{name}")
        assert len(made) == 2 * 3  # the first and the second of each row
        assert (
            f"depth {found.depth}"
            == f"depth {name.removeprefix('resnet-')}"
        )


def test_a_name_in_a_copy_is_one_string() -> None:
    graph = plan(ROWS["alike"]).graph
    known = {id(name) for name in graph.nodes}
    last = next(block for block in graph.blocks() if block.name == "one.5")
    scopes = [item for path in last.paths for item in path.items]
    read = [graph.nodes[name] for layer in scopes for name in layer.nodes]
    said = [
        last.output,
        *(name for node in read for name in (node.name, *node.inputs)),
    ]
    assert len(read) > 4
    assert {id(name) for name in said} <= known
