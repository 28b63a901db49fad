"""Two graphs → their differences as a reader sees them: aligned by what layers are, and what is one net's own told in
that net's words."""

from __future__ import annotations

import json
import time

import pytest
from nets import plan

import resgraph
from resgraph.cli import run
from resgraph.graph import Graph
from resgraph.passes.compare import compare, grouped, rows

BLOCKS = {
    "plain": "{a: 3x3 conv out/2, b: [a, 3x3 conv out/2], merge: concat(a b)}",
    "res": "{body: 3x3 conv out, merge: body + shortcut}",
}


def graph(net: str) -> Graph:
    """A net with those blocks that it calls."""
    called = [
        f"  {name}: {text}"
        for name, text in BLOCKS.items()
        if f"{name} " in net
    ]
    return plan(
        net, top="\n".join(["blocks:", *called]) if called else ""
    ).graph


def differences(
    net: str, other: str, *, kinds: tuple[str, str] = ("", "")
) -> list[tuple[str, ...]]:
    """Kind, name and both texts of every group; `kinds` are what `kind` stands for in each net."""
    graphs = [
        graph(text.replace("kind", kind))
        for text, kind in zip((net, other), kinds, strict=True)
    ]
    return [
        (group.kind, group.name, group.before, group.after)
        for group in grouped(compare(*graphs))
    ]


def test_a_block_in_the_place_of_another_is_told_with_both_names() -> None:
    net = "one: [2 x kind 8, res 8]\ntwo: [res 8, plain 4]"
    assert differences(net, net, kinds=("plain", "res")) == [
        ("removed", "one.{0-1}", "", "plain 8"),
        ("added", "one.{0-1}", "", "res 8"),
    ]


def test_a_net_differs_from_itself_in_nothing() -> None:
    net = "one: 2 x kind 8\ntwo: [res 8, plain 4]"
    assert differences(net, net, kinds=("res", "res")) == []


def test_blocks_of_a_longer_row_are_one_difference() -> None:
    one, other = (
        f"one: {count} x res 16\ntwo: [plain 4, res 4]" for count in (2, 5)
    )
    assert differences(one, other) == [("added", "one.{2-4}", "", "res 16")]


@pytest.mark.parametrize(
    ("inserted", "said"),
    [("res 8", "res 8"), ("[3x3 conv 8 linear]", "3x3 conv 8"), ("1x1 conv 8 silu", "1x1 conv 8 silu")],
)  # fmt: skip
def test_what_is_put_in_is_one_difference_wherever_it_stands(
    inserted: str, said: str
) -> None:
    """What stands behind it has other names and is the same."""
    items = ["3x3 conv 8", "5x5 conv 8", "plain 8", "3x3 conv 16"]
    inserted = inserted.strip("[]")
    for place in range(len(items)):
        longer = [*items[:place], inserted, *items[place:]]
        one, other = (f"a: [{', '.join(row)}]" for row in (items, longer))
        found = [
            each for each in differences(one, other) if each[0] != "shape"
        ]
        assert found == [("added", f"a.{place}", "", said)]
        found = [
            each for each in differences(other, one) if each[0] != "shape"
        ]
        assert found == [("removed", f"a.{place}", "", said)]


def test_shapes_that_follow_from_a_pool_are_a_line_a_row() -> None:
    one = "a: [3x3 conv 8, 3x3 conv 16]\nb: 3 x res 16\nc: [global avg pool, fc 3]"
    found = differences(
        one, one.replace("8, 3x3", "8, 2x2 max pool /2, 3x3")
    )
    assert found == [
        ("added", "a.1", "", "max pool /2"),
        ("shape", "a", "16x32x32", "16x16x16"),
        ("shape", "b", "16x32x32", "16x16x16"),
    ]


def test_rows_that_moved_are_what_they_were() -> None:
    """A row put in before others, which are numbered anew."""
    one = "c1: 3x3 conv 8\nc2: 2 x res 8\nc3: 3 x plain 8\nhead: 1x1 conv 3"
    other = "c1: 3x3 conv 8\nc2: 7x7 conv 8\nc3: 2 x res 8\nc4: 3 x plain 8\nhead: 1x1 conv 3"
    assert differences(one, other) == [("added", "c2", "", "7x7 conv 8")]


def test_another_kernel_and_activation_are_changes_of_the_layer() -> None:
    one = "a: [3x3 conv 8, res 8]\nb: 1x1 conv 4"
    assert differences(
        one, one.replace("3x3 conv 8", "5x5 conv 8 gelu")
    ) == [
        ("changed", "a.0.conv", "3x3 conv 8", "5x5 conv 8"),
        ("changed", "a.0.gelu", "relu", "gelu"),
    ]


def test_rates_that_blocks_differ_in_are_one_difference() -> None:
    top = "blocks:\n  r: {let: {p: 0}, body: [3x3 conv out, drop path p], merge: body + x}\n"
    one, other = (
        plan(f"a: 3 x r 16 p {rate}*index", top=top).graph
        for rate in (0.1, 0.2)
    )
    (group,) = grouped(compare(one, other))[-1:]
    assert (group.before, group.after) == (
        "drop path 0.1 to 0.2",
        "drop path 0.2 to 0.4",
    )


def test_resnet_34_is_resnet_18_with_8_blocks_more() -> None:
    """He et al. 2015, Table 1: 2, 2, 2, 2 blocks, and 3, 4, 6, 3."""
    found = compare(
        *(resgraph.load(name).graph for name in ("resnet-18", "resnet-34"))
    )
    assert [(row.after.name, dict(row.counts)) for row in rows(found)] == [
        ("conv2", {("added", "block"): 1}),
        ("conv3", {("added", "block"): 2}),
        ("conv4", {("added", "block"): 4}),
        ("conv5", {("added", "block"): 1}),
    ]
    assert (
        sum(row.cost.params for row in rows(found))
        == 21_797_672 - 11_689_512
    )
    assert found.renamed == {}


def test_the_command_begins_with_rows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["diff", "resnet-18", "resnet-34"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[:2] == ["conv2", "+ 1 block"]
    assert lines[4:6] == ["the same: conv1, head", ""]
    assert lines[6].startswith("+ conv2.2  basic 64  (+74.0 k params")
    assert run(["diff", "resnet-18", "resnet-34", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [row["added"] for row in data["rows"]] == [
        {"block": n} for n in (1, 2, 4, 1)
    ]
    assert sum(change["params"] for change in data["changes"]) == 10_108_160


def test_deep_nets_are_compared_in_seconds() -> None:
    one = resgraph.load("resnet-1202").graph
    other = resgraph.load("cifar-plain::plain-110").graph
    start = time.process_time()
    assert all(row.changes for row in rows(compare(one, other)))
    assert time.process_time() - start < 5
