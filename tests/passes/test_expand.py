"""Spec → graph: names, shapes, repeats, constants, counters and depth, as docs/language.md says them."""

from __future__ import annotations

import pytest
from nets import mistakes, ops, plan, shapes, spec

from resgraph.graph import Block

PAIR = "blocks:\n  pair:\n    body: [3x3 conv out /stride, 3x3 conv out linear]\n    merge: relu(body + shortcut)\n"


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "names"),
    [
        ("conv1: 7x7 conv 64 /2", ["conv1.conv", "conv1.bn", "conv1.relu"]),
        ("conv1: [7x7 conv 64 bare]", ["conv1.0.conv"]),
        ("pool: 3x3 max pool /2", ["pool"]),
        ("head: [global avg pool, fc 10]", ["head.0", "head.1"]),
        (
            "head: [global avg pool, fc 10 relu]",
            ["head.0", "head.1", "head.1_relu"],
        ),
        ("one: 2 x 3x3 conv 8 bare", ["one.0.conv", "one.1.conv"]),
        ("one: 1 x 3x3 conv 8 bare", ["one.0.conv"]),
        (
            "one: [2 x 3x3 conv 8 bare, relu]",
            ["one.0.conv", "one.1.conv", "one.2"],
        ),
        ("one: relu\ntwo: [one, relu, relu]", ["one", "two.1", "two.2"]),
        (
            "one: relu\ntwo: [one + input, relu]",
            ["one", "two.0.add", "two.1"],
        ),
        (
            "one: relu\ntwo: one + input + one",
            ["one", "two.add", "two.add2"],
        ),
        ("one: {out: 8, body: 1x1 conv out bare}", ["one.conv"]),
        (
            "one: [{out: 8, body: 1x1 conv out bare}, relu]",
            ["one.0.conv", "one.1"],
        ),
        (
            "one: [1x1 avg pool, relu]",
            ["one.1"],
        ),  # a 1x1 pool at stride 1 is nothing
    ],
)
def test_names(net: str, names: list[str]) -> None:
    assert list(ops(plan(net))) == names


def test_names_in_blocks() -> None:
    blocks = (
        "blocks:\n  se:\n    s: [global avg pool, fc in/4 relu, fc in sigmoid]\n    merge: x * s\n"
        "  b:\n    body: [1x1 conv out bare, se]\n    merge: [body + shortcut, bn, relu]\n"
        "  act:\n    pre: [bn, relu]\n    body: [pre, 1x1 conv out bare]\n    merge: body + shortcut\n"
    )
    assert list(ops(plan("one: b 32\ntwo: [act 32]", top=blocks))) == [
        "one.body.0.conv", "one.body.1.s.0", "one.body.1.s.1", "one.body.1.s.1_relu", "one.body.1.s.2",
        "one.body.1.s.2_sigmoid", "one.body.1.merge.mul", "one.shortcut.conv", "one.shortcut.bn",
        "one.merge.0.add", "one.merge.1", "one.merge.2",
        "two.0.pre.0", "two.0.pre.1", "two.0.body.1.conv", "two.0.merge.add",
    ]  # fmt: skip


def test_a_block_of_one_path_adds_no_word() -> None:
    made = plan(
        "one: two_convs 8",
        top="blocks: {two_convs: [1x1 conv out bare, 1x1 conv out bare]}",
    )
    assert list(ops(made)) == ["one.0.conv", "one.1.conv"]


def test_scopes_have_the_names_of_their_nodes() -> None:
    made = plan("one: [relu, 2 x pair 32 /2]", top=PAIR)
    (row,) = made.graph.rows
    first, second = [item for item in row.items if isinstance(item, Block)]
    assert (first.name, second.name) == ("one.1", "one.2")
    assert (first.into, first.out, first.stride) == (16, 32, (2, 2))
    assert (second.into, second.out, second.stride) == (32, 32, (1, 1))
    assert (first.shortcut, second.shortcut) == ("projection", "identity")
    assert [path.word for path in first.paths] == [
        "body",
        "shortcut",
        "merge",
    ]
    assert [node.name for node in made.graph.nodes_of(second)] == [
        n for n in ops(made) if n.startswith("one.2.")
    ]


def test_variants_change_counts_and_not_names() -> None:
    top = PAIR + "let: {n: 2}\nvariants: {small: {}, large: {n: 5}}\n"
    small, large = (
        plan("one: n x pair 16\ntwo: relu", top=top, variant=v)
        for v in ("small", "large")
    )
    assert set(small.graph.nodes) < set(large.graph.nodes)
    one = plan("one: n x pair 16\ntwo: relu", top=PAIR + "let: {n: 1}\n")
    assert set(one.graph.nodes) < set(small.graph.nodes), (
        "a count of one is a count"
    )


# -- repeats, constants, counters -------------------------------------------------------------------------------------


def test_a_repeat_strides_and_widens_once() -> None:
    made = shapes(
        plan("one: 3 x 3x3 conv 32 /2 bare\ntwo: 2 x 3x3 max pool /2")
    )
    assert [made[f"one.{i}.conv"] for i in range(3)] == [(32, 16, 16)] * 3
    assert (made["two.0"], made["two.1"]) == ((32, 8, 8), (32, 8, 8))


def test_no_copies_is_nothing() -> None:
    made = plan("one: 0 x 3x3 conv 99\ntwo: [0 x relu, relu, 0 x relu, bn]")
    assert list(ops(made)) == ["two.0", "two.1"]


@pytest.mark.parametrize(
    ("call", "body", "width"),
    [
        ("b", "1x1 conv in*2", 32),
        ("b 64", "1x1 conv out/2", 32),
        (
            "b",
            "1x1 conv out*2",
            32,
        ),  # `out` is `in` where the call gives none
        ("b /2", "[3x3 conv 8 /stride, 1x1 conv in*stride]", 32),
        (
            "b",
            "[3x3 conv 8 /stride, 1x1 conv 32*stride]",
            32,
        ),  # and `stride` is 1
        (
            "b",
            "[1x1 conv 8, 1x1 conv in*2]",
            32,
        ),  # `in` is the call's, not that of the layer before
        ("b k 32", "1x1 conv k", 32),
        ("b k 2*16", "1x1 conv k", 32),
        ("b", "1x1 conv k", 4),
    ],
)
def test_constants_are_those_of_the_call(
    call: str, body: str, width: int
) -> None:
    let = "let: {k: 4}, " if "conv k" in body else ""
    assert (
        plan(
            f"one: {call}", top=f"blocks: {{b: {{{let}body: {body}}}}}"
        ).output[0]
        == width
    )


def test_an_uneven_stride_is_a_pair() -> None:
    made = plan("one: pair 32 /2x1", top=PAIR)
    assert made.output == (32, 16, 32)
    assert made.graph.nodes["one.shortcut.conv"].shape == (32, 16, 32)


def test_counters() -> None:
    top = (
        "blocks:\n  res:\n    body: [1x1 conv in bare, scale index+10*total]\n    merge: body + x\n"
        "  plain: [scale row_index+10*row_total]\n"
    )
    made = plan(
        "one: [plain, 2 x res]\ntwo: [relu, res, plain]\nthree: {body: [scale index+10*total], merge: body + x}",
        top=top,
    )
    starts = {
        name: node.op.start
        for name, node in made.graph.nodes.items()
        if node.op.op == "scale"
    }  # type: ignore[attr-defined]
    assert starts == {
        "one.0.0": 0 + 30, "one.1.body.1": 40 + 0, "one.2.body.1": 40 + 1,
        "two.1.body.1": 40 + 2, "two.2.0": 2 + 30, "three.body.0": 40 + 3,
    }  # fmt: skip


def test_a_block_in_a_block_has_its_callers_counters() -> None:
    top = "blocks:\n  inner:\n    a: scale index+1\n    merge: a + x\n  outer:\n    a: inner\n    merge: a + x\n"
    made = plan("one: 3 x outer", top=top)
    starts = [
        node.op.start
        for node in made.graph.nodes.values()
        if node.op.op == "scale"
    ]  # type: ignore[attr-defined]
    assert starts == [1, 2, 3], "the blocks within do not count"


def test_row_counters_hold_in_a_row() -> None:
    made = plan("one: 3 x dropout row_index/(row_total + 1)")
    rates = [
        node.op.rate
        for node in made.graph.nodes.values()
        if node.op.op == "dropout"
    ]  # type: ignore[attr-defined]
    assert rates == [0, 0.25, 0.5]


# -- depth, order, counts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "depth"),
    [
        ("one: relu", 0),
        ("one: 3x3 conv 8", 1),
        ("one: [3x3 depthwise conv, 1x1 conv 8]", 2),
        ("one: [2x2 up conv 8 /2, 3x3 conv 8]", 2),
        ("one: [global avg pool, fc 8, fc 8]", 2),
        ("one: 2 x pair 16", 4),
        ("one: pair 32", 2),  # the projection counts nothing
        (
            "one: 3 x 1x1 conv 16\ntwo: [input, 1x1 conv 16]\nthree: one + two",
            3,
        ),  # the longest term
        (
            "one: 1x1 conv 16\ntwo: [input, 3 x 1x1 conv 16 sigmoid]\nthree: one * two",
            1,
        ),  # a product: its first
        (
            "one: 1x1 conv 16\ntwo: [input, 3 x 1x1 conv 16]\nthree: concat(one two)",
            3,
        ),
    ],
)
def test_depth(net: str, depth: int) -> None:
    assert plan(net, top=PAIR if "pair" in net else "").depth == depth


def test_a_node_reads_only_nodes_above() -> None:
    made = plan(
        "one: 3 x pair 32 /2\ntwo: [concat(one one), bottleneck 64]\nthree: [input, 3x3 conv 64 /2]\nfour: two + three",
        top=PAIR,
    )
    above: set[str] = set()
    for name, node in made.graph.nodes.items():
        assert above.issuperset(node.inputs)
        above.add(name)
    assert made.graph.output == "four.add"


def test_the_same_text_makes_the_same_graph() -> None:
    text = "one: 3 x pair 32 /2\ntwo: [one, bottleneck 64]"
    a, b = plan(text, top=PAIR), plan(text, top=PAIR)
    assert list(ops(a).items()) == list(ops(b).items())
    assert [node.inputs for node in a.graph.nodes.values()] == [
        node.inputs for node in b.graph.nodes.values()
    ]


def test_vectors() -> None:
    made = plan(
        "one: fc 32 relu\ntwo: 2 x res 32\nthree: res 64\nfour: fc 10",
        input="784",
        top="blocks:\n  res:\n    body: [fc out relu, fc out]\n    merge: relu(body + shortcut)\n",
    )
    assert made.output == (10,)
    assert made.graph.nodes["three.shortcut"].op.op == "fc"
    assert "two.0.shortcut" not in made.graph.nodes
    assert (
        made.params
        == 784 * 32
        + 32
        + 4 * (32 * 32 + 32)
        + (32 * 64 + 64) * 2
        + (64 * 64 + 64)
        + 650
    )


# -- mistakes with two places -----------------------------------------------------------------------------------------


def test_a_mistake_in_a_block_shows_the_label_and_who_called() -> None:
    top = "blocks:\n  inner: [1x1 conv in/3]\n  outer: [relu, inner]\n"
    (problem,) = mistakes(spec("one: relu\ntwo: [bn, 2 x outer]", top=top))
    assert problem.code == "E032"
    assert [str(related.span) for related in problem.related] == [
        "<text>:5:17",
        "<text>:9:13",
    ]
    assert (
        problem.help
        == "16 does not divide by 3; the nearest that do are 15 and 18"
    )


def test_a_mistake_in_a_standard_block_is_where_it_is_called() -> None:
    (problem,) = mistakes(spec("one: 3 x bottleneck 510"))
    assert str(problem.span) == "<text>:5:8"
    assert [related.span.source.name for related in problem.related] == [
        "library/resnet.yaml"
    ]
    assert (
        problem.help
        == "510 does not divide by 4; the nearest that do are 508 and 512"
    )


def test_a_mistake_is_told_once_however_often_it_is_made() -> None:
    top = "blocks: {b: [1x1 conv in/3, 1x1 conv 16]}"
    assert len(mistakes(spec("one: 50 x b\ntwo: 50 x b", top=top))) == 1


# -- follow-up errors -------------------------------------------------------------------------------------------------


RATED = PAIR.replace("linear]", "linear, drop path 0.5*index/(total - 1)]")


@pytest.mark.parametrize(
    ("net", "top", "codes"),
    [
        # where a repeat cannot be worked out, nothing can be said of what is counted
        ("one: 5/2 x pair 16\ntwo: fc 3", RATED, ["E032", "E044"]),
        ("one: [0.5 x relu, 3x3 conv 16/(row_total - 2)]", "", ["E032"]),
        # and the rows below are checked all the same
        (
            "one: a x pair 16\ntwo: [flatten, fc 3, 3x3 conv 3]",
            f"{RATED}let: {{a: b, b: a}}\n",
            ["E037", "E044"],
        ),
        # what a spoilt shortcut is added to has the shape of the whole
        (
            "one: {shortcut: identity, block: pair, out: 32}\ntwo: fc 3",
            PAIR,
            ["E041", "E044"],
        ),
    ],
)
def test_a_mistake_brings_no_other(
    net: str, top: str, codes: list[str]
) -> None:
    found = mistakes(spec(net, top=top))
    assert sorted(problem.code for problem in found) == codes
