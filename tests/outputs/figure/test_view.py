"""A view shows what it says: folded repeats, whole blocks, single ops; and unfolds what is named."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from drawn import DENSE, RESIDUAL, plan

from resgraph import Plan, UsageError, loads
from resgraph.outputs.figure.content.builder import (
    PartBuilder,
    View,
    check_names,
    choose,
)
from resgraph.outputs.figure.content.parts import (
    Chain,
    FigurePart,
    Fork,
    Join,
    OpBox,
    Tile,
)
from resgraph.outputs.figure.figures.overview import mark_sheets


def parts(net: Plan, view: View, *expand: str) -> Iterator[FigurePart]:
    stack: list[FigurePart] = [
        PartBuilder(net.graph, view, check_names(net.graph, expand)).net()
    ]
    while stack:
        part = stack.pop()
        yield part
        stack += (
            part.parts
            if isinstance(part, Chain)
            else part.units
            if isinstance(part, Fork)
            else []
        )


def folded(net: Plan, view: View = "stages") -> list[tuple[str, int, bool]]:
    runs = [
        (p.name, p.repeat)
        for p in parts(net, view)
        if isinstance(p, Fork) and p.kind
    ]
    return sorted((name, run.count, run.equal) for name, run in runs)


def test_a_first_block_that_differs_is_drawn_alone() -> None:
    assert folded(plan("residual")) == [
        ("conv2.0", 3, True),
        ("conv3.0", 1, True),
        ("conv3.1", 3, True),
    ]


def test_the_block_view_folds_nothing() -> None:
    assert [
        count for _, count, _ in folded(plan("residual"), "blocks")
    ] == [1] * 7


def test_blocks_that_grow_are_alike_and_never_equal() -> None:
    net = loads(DENSE)
    assert folded(net) == [("dense1.0", 6, False)]
    text = net.svg(view="stages")
    assert "36 → 96" in text
    assert ">× 6<" not in text


def test_blocks_that_differ_in_a_rate_are_alike_and_say_so() -> None:
    spec = RESIDUAL.replace(
        "3x3 conv out linear]",
        "3x3 conv out linear, drop path 0.1*index/(total - 1)]",
    )
    net = loads(spec)
    assert ("conv3.1", 3, False) in folded(net)
    text = net.svg(view="stages")
    assert "drop path" in text
    assert ">× 3<" not in text


def test_an_attribute_keeps_blocks_apart() -> None:
    spec = RESIDUAL.replace(
        "conv2: 3 x pair 16", "conv2: [2 x pair 16, 2 x wide 16]"
    ).replace(
        "net:",
        "  wide:\n    body:  [3x3 conv out dilation 2, 3x3 conv out linear]\n    merge: relu(body + x)\nnet:",
    )
    assert [
        run for run in folded(loads(spec)) if run[0].startswith("conv2")
    ] == [
        ("conv2.0", 2, True),
        ("conv2.2", 2, True),
    ]


def test_the_ops_view_draws_every_node() -> None:
    net = plan("gated")
    drawn = {
        p.name for p in parts(net, "ops") if isinstance(p, OpBox | Join)
    }
    assert drawn == set(net.graph.nodes) - {net.graph.input}


@pytest.mark.parametrize("name", ["conv3.1", "conv3.1.body", "conv3"])
def test_a_name_unfolds_what_it_names(name: str) -> None:
    net = plan("residual")
    unfolded = {
        p.name for p in parts(net, "stages", name) if isinstance(p, OpBox)
    }
    assert unfolded
    assert all(node.startswith(name) for node in unfolded)


def test_unfolding_one_of_equal_blocks_leaves_the_others_folded() -> None:
    net = plan("residual")
    runs = [
        (p.name, p.repeat.first, p.repeat.last)
        for p in parts(net, "stages", "conv3.2")
        if isinstance(p, Fork) and p.kind
    ]
    assert [run for run in sorted(runs) if run[0].startswith("conv3")] == [
        ("conv3.0", 1, 1), ("conv3.1", 2, 2), ("conv3.2", 3, 3), ("conv3.3", 4, 4),
    ]  # fmt: skip


def test_a_block_within_a_path_is_a_row_until_it_is_unfolded() -> None:
    net = plan("gated")
    rows = {
        row.text
        for p in parts(net, "stages")
        if isinstance(p, Tile)
        for row in p.rows
    }
    assert "se" in rows
    opened = {
        p.name
        for p in parts(net, "stages", "fans.0.merge.1")
        if isinstance(p, OpBox)
    }
    assert "fans.0.merge.1.s.0" in opened


def test_a_pool_after_layers_stands_in_their_tile() -> None:
    tiles = [
        [row.text for row in p.rows]
        for p in parts(plan("plain"), "stages")
        if isinstance(p, Tile)
    ]
    assert ["3×3 conv", "3×3 conv", "max pool"] in tiles


def test_what_is_read_again_keeps_its_own_tile() -> None:
    """The pool of a ladder may not join the tile above it, whose output the other side reads."""
    names = [
        p.name
        for p in parts(plan("ladder"), "stages")
        if isinstance(p, Tile)
    ]
    assert any(name.startswith("enc2.0") for name in names)


def test_many_equal_layers_are_one_row() -> None:
    counts = [
        len(row.covers)
        for p in parts(plan("plain"), "stages")
        if isinstance(p, Tile)
        for row in p.rows
    ]
    # the first of the six has another width coming in
    assert sorted(counts)[-1] == 5
    assert {
        len(row.covers)
        for p in parts(plan("plain"), "blocks")
        if isinstance(p, Tile)
        for row in p.rows
    } == {1}


def test_four_equal_layers_are_four_rows() -> None:
    net = loads(
        "name: Four\ninput: 16x8x8\nnet:\n  four: 4 x 3x3 conv 16\n"
    )
    assert [
        len(row.covers)
        for p in parts(net, "stages")
        if isinstance(p, Tile)
        for row in p.rows
    ] == [1, 1, 1, 1]


NESTED = """
name: Nested
input: 16x8x8
unit: conv relu
blocks:
  res: {body: [3x3 conv out, 3x3 conv out bare], merge: x + body}
  dense: {body: 3x3 conv 8, merge: concat(x body)}
  group: {body: [3 x res, 2 x dense, 1x1 conv out], merge: x + body}
net:
  body: group
"""


def test_equal_blocks_within_a_path_are_one_row_with_their_count() -> None:
    """And blocks whose maps differ say the width of each."""
    folded, single = (
        [
            (row.text, row.number, row.times)
            for p in parts(loads(NESTED), view)
            if isinstance(p, Tile)
            for row in p.rows
        ]
        for view in ("stages", "blocks")
    )
    behind = [
        ("dense", "24", ""),
        ("dense", "32", ""),
        ("1×1 conv", "16", ""),
    ]
    assert folded == [("res", "", "× 3"), *behind]
    assert single == [*3 * [("res", "", "")], *behind]


def test_auto_folds_equal_blocks_in_any_net() -> None:
    assert choose("auto") == "stages"
    assert choose("blocks") == "blocks"
    assert (
        loads(RESIDUAL.replace("4 x pair", "2 x pair")).svg().count(">× 3<")
        == 1
    )


PREACT = """
name: Preact
input: 16x8x8
unit: bn relu conv
blocks:
  unit:
    pre:      [bn, relu]
    body:     [pre, 1x1 conv out/4 bare, 3x3 conv out]
    shortcut: [pre, 1x1 conv out bare]
    merge:    body + shortcut
net:
  s1: 3 x unit 32
"""


def test_layers_in_a_line_are_one_tile_though_two_paths_hold_them() -> None:
    tiles = {
        p.name: p
        for p in parts(loads(PREACT), "stages")
        if isinstance(p, Tile)
    }
    assert [row.text for row in tiles["s1.1.pre.0-tile"].rows] == [
        "BatchNorm",
        "ReLU",
        "1×1 conv",
        "3×3 conv",
    ]
    # The first block's projection reads `pre` too, so that the line parts there.
    assert [row.text for row in tiles["s1.0.pre.0-tile"].rows] == [
        "BatchNorm",
        "ReLU",
    ]


def test_every_tile_of_a_folded_block_has_sheets() -> None:
    net = PartBuilder(plan("highway").graph, "stages").net()
    mark_sheets(net)
    deep = next(
        unit
        for unit in net.units
        if isinstance(unit, Chain) and isinstance(unit.parts[0], Fork)
    )
    block = deep.parts[0]
    assert isinstance(block, Fork)
    assert [
        tile.sheets for tile in block.units if isinstance(tile, Tile)
    ] == [
        True,
        True,
    ]


def test_what_the_legend_does_not_say_stands_in_the_row() -> None:
    spec = """
    name: Gate
    input: 3x8x8
    unit: conv bn relu
    net:
      first: [3x3 conv 8, 3x3 conv 8, 3x3 conv 8 gelu, 1x1 conv 8 bare]
      mixed: 3x3 depthwise conv mixed 4
      head:  [global avg pool, fc 16 relu, fc 10]
    """
    said = [
        row.said
        for p in parts(loads(spec), "stages")
        if isinstance(p, Tile)
        for row in p.rows
    ]
    assert sorted(said) == sorted([
        "3×3 conv", "3×3 conv", "3×3 conv, GELU", "1×1 conv, bare", "3×3 to 9×9 depthwise conv",
        "global avg pool", "fully connected, ReLU", "fully connected",
    ])  # fmt: skip


def rows_said(plan: Plan) -> dict[str, str]:
    """What each row of a tile says."""
    tiles = (p for p in parts(plan, "stages") if isinstance(p, Tile))
    return {row.name: row.said for tile in tiles for row in tile.rows}


def test_a_row_says_the_options_that_no_shape_tells() -> None:
    spec = """
    name: Options
    input: 8x8x8
    net:
      a: [3x3 conv 8 dilation 2, 3x3 conv 8 dilation 1x2 groups 4, 3x3 conv 8 pad 1]
      b: [avg pool to 2x2, 1x1 conv 4, upsample to a bilinear]
      c: [avg pool to 4x2, positions, 1 conv 24, attention heads 2, to 4x2]
    """
    assert rows_said(loads(spec)) == {
        "a.0": "3×3 conv, dilation 2",
        "a.1": "3×3 conv, dilation 1×2, 4 groups",
        "a.2": "3×3 conv",
        "b.0": "avg pool to 2×2",
        "b.1": "1×1 conv",
        "b.2": "upsample bilinear to a",
        "c.0": "avg pool to 4×2",
        "c.1": "positions",
        "c.2": "1 conv",
        "c.3": "attention, 2 heads",
        "c.4": "to 4×2",
    }


def test_a_convolution_without_its_activation_is_linear() -> None:
    """But in a block whose activation stands behind the sum, gated or not, as ResNet's."""
    spec = """
    name: Linear
    input: 8x8x8
    unit: conv bn relu
    blocks:
      inverted: {body: [1x1 conv 16, 3x3 conv out linear], merge: body + shortcut}
      gated: {body: [3x3 conv out linear, se], merge: relu(body + shortcut)}
      widened: {body: [3x3 conv out linear, upsample 2], side: upsample 2, merge: body + side}
    net:
      a: 2 x basic 8
      b: 2 x gated 8
      c: 2 x inverted 8
      d: [widened 8, relu, 1x1 conv 8 linear]
      e: [relu, 3x3 conv 8 relu]
    """
    said = rows_said(loads(spec))
    assert {
        name: text.removeprefix("3×3 conv").removeprefix("1×1 conv")
        for name, text in said.items()
        if "conv" in text
    } == {
        "a.0.body.0": "",
        "a.0.body.1": "",
        "b.0.body.0": "",
        "c.0.body.0": "",
        "c.0.body.1": ", linear",
        "d.0.body.0": "",
        "d.2": ", linear",
        "e.1": "",
    }


def test_a_convolution_without_the_norm_of_the_others_says_so() -> None:
    spec = """
    name: Head
    input: 8x8x8
    unit: conv gn relu
    ops: {gn: {groups: 4}}
    net:
      a: [3x3 conv 8, 3x3 conv 8]
      b: {body: [3x3 conv 8], unit: conv relu}
      c: {body: [3x3 conv 8 bare], shortcut: identity, merge: relu(body + shortcut)}
    """
    assert rows_said(loads(spec)) == {
        "a.0": "3×3 conv",
        "a.1": "3×3 conv",
        "b.0": "3×3 conv, no GN",
        "c.body.0": "3×3 conv, bare",
    }


def test_without_norms_a_sum_may_hold_all_that_a_convolution_lacks() -> (
    None
):
    spec = """
    name: Plain
    input: 8x8x8
    unit: conv relu
    net:
      a: 2 x basic 8
      b: 3x3 conv 8 linear
    """
    assert rows_said(loads(spec)) == {
        "a.0.body.0": "3×3 conv",
        "a.0.body.1": "3×3 conv",
        "b": "3×3 conv, bare",
    }


@pytest.mark.parametrize("view", ["stages", "ops"])
def test_a_gate_is_read_by_the_names_of_its_equation(view: View) -> None:
    blocks = [
        p
        for p in parts(plan("highway"), view)
        if isinstance(p, Fork) and p.names
    ]
    assert [sorted(block.names.values()) for block in blocks] == [
        ["H", "T"]
    ] * len(blocks)
    assert {
        link.note for block in blocks for link in block.links if link.named
    } == {"x"}
    text = plan("highway").svg(view=view)
    assert all(
        re.search(f">{name}</text>", text) for name in ("H", "T", "x")
    )


@pytest.mark.parametrize("name", ["residual", "dense", "gated"])
def test_paths_that_are_only_joined_have_no_names(name: str) -> None:
    assert not any(
        p.names for p in parts(plan(name), "stages") if isinstance(p, Fork)
    )


def test_only_blocks_of_the_rows_are_counted() -> None:
    """The squeeze within each of the two blocks is no third and fourth."""
    assert ">2 blocks, " in plan("gated").svg()


def test_unknown_names_and_views_are_mistakes() -> None:
    net = plan("residual")
    with pytest.raises(
        UsageError, match="nothing to unfold is called `conv9`"
    ):
        net.svg(expand=["conv9"])
    with pytest.raises(UsageError, match="no view `tree`"):
        net.svg(view="tree")


def test_blocks_within_blocks_beyond_all_sense_stay_folded() -> None:
    blocks = ["  b0: [3x3 conv out]"] + [
        f"  b{i}: [b{i - 1} out, relu]" for i in range(1, 30)
    ]
    net = loads(
        "name: Nest\ninput: 3x8x8\nblocks:\n"
        + "\n".join(blocks)
        + "\nnet:\n  only: b29 4\n"
    )
    assert net.svg(view="ops").count("<g ") > 20


def test_a_block_without_a_name_is_not_called_by_its_place() -> None:
    net = loads(
        "name: t\ninput: 8x8x8\nnet:\n"
        "  a: [{body: [1x1 conv 8, {p: 3x3 conv 8, merge: p + x}], merge: body + x}]\n"
        "  b: {body: {p: 3x3 conv 8, merge: p + x}, merge: body + x}\n"
    )
    written = re.findall(r">([^<]+)</text>", net.svg())
    assert "1" not in written
    assert {"inline", "body"} <= {*written}
