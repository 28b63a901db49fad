"""Rule 6: what `shortcut` is, by file, by block and by call."""

from __future__ import annotations

import pytest
from nets import mistakes, ops, plan, spec, told

from resgraph.plan import Plan

PAIR = "blocks:\n  pair:\n    body: [3x3 conv out /stride, 3x3 conv out linear]\n    merge: relu(body + shortcut)\n"


def shortcuts(of: Plan) -> dict[str, str]:
    """The nodes of shortcuts, and their ops."""
    return {
        name: label
        for name, label in ops(of).items()
        if ".shortcut" in name
    }


def kinds(of: Plan) -> list[str]:
    return [block.shortcut for block in of.graph.blocks()]


@pytest.mark.parametrize(
    ("policy", "nodes", "found"),
    [
        (
            "projection",
            ["one.1.shortcut.conv", "one.1.shortcut.bn"],
            ["identity", "projection", "identity"],
        ),
        (
            "zero-pad",
            ["one.1.shortcut"],
            ["identity", "zero-pad", "identity"],
        ),
        (
            "projection always",
            [
                f"one.{place}.shortcut.{word}"
                for place in range(3)
                for word in ("conv", "bn")
            ],
            ["projection"] * 3,
        ),
        ("none", [], ["identity", "none", "identity"]),
        (
            "[3x3 avg pool /stride, 1x1 conv out bare]",
            ["one.1.shortcut.0", "one.1.shortcut.1.conv"],
            ["identity", "path", "identity"],
        ),
    ],
)
@pytest.mark.parametrize("level", ["file", "block", "call"])
def test_policies_hold_at_every_level(
    level: str, policy: str, nodes: list[str], found: list[str]
) -> None:
    net, top = "one: [pair 16, pair 32 /2, pair 32]", PAIR
    if level == "file":
        top = f"shortcut: {policy}\n{PAIR}"
    elif level == "block":
        top = PAIR.replace(
            "    body:", f"    shortcut: {policy}\n    body:"
        )
    else:
        calls = ("out: 16", "out: 32, stride: 2", "out: 32")
        net = (
            "one: ["
            + ", ".join(
                f"{{block: pair, {call}, shortcut: {policy}}}"
                for call in calls
            )
            + "]"
        )
    made = plan(net, top=top)
    assert list(shortcuts(made)) == nodes
    assert kinds(made) == found
    assert made.output == (32, 16, 16)


def test_the_nearest_policy_wins() -> None:
    top = "shortcut: none\n" + PAIR.replace(
        "    body:", "    shortcut: zero-pad\n    body:"
    )
    assert kinds(
        plan("one: pair 32\ntwo: pair 64 shortcut projection", top=top)
    ) == [
        "zero-pad",
        "projection",
    ]


@pytest.mark.parametrize(
    ("call", "changes"),
    [
        ("pair 16", False),
        ("pair", False),
        ("pair 16 /1", False),
        ("pair 32", True),
        ("pair 16 /2", True),
        ("pair 16 /1x2", True),
        ("pair 32 /2", True),
    ],
)
def test_identity_where_the_call_changes_nothing(
    call: str, changes: bool
) -> None:
    assert bool(shortcuts(plan(f"one: {call}", top=PAIR))) == changes
    if changes:
        word = call.split()[0]
        assert told(
            spec(f"one: {call}", top="shortcut: identity\n" + PAIR)
        ) == [("E041", word)]
    else:
        assert kinds(
            plan(f"one: {call}", top="shortcut: identity\n" + PAIR)
        ) == ["identity"]


def test_identity_says_both_shapes() -> None:
    (problem,) = mistakes(
        spec("one: 4 x pair 32 /2", top="shortcut: identity\n" + PAIR)
    )
    assert (
        problem.message
        == "an identity shortcut cannot change 16x32x32 into 32x16x16"
    )
    assert (
        problem.label == "the shape changes in the first block of this row"
    )


def test_option_a_has_no_parameters() -> None:
    a, b, c = (
        plan("one: 2 x pair 32 /2", top=f"shortcut: {p}\n{PAIR}")
        for p in ("zero-pad", "projection", "projection always")
    )
    assert b.params - a.params == 16 * 32 + 2 * 32
    assert c.params - b.params == 32 * 32 + 2 * 32
    assert (a.depth, b.depth, c.depth) == (4, 4, 4)


def test_the_projection_is_made_of_the_unit_in_force() -> None:
    relu_first = plan("one: pair 32", top="unit: bn relu conv\n" + PAIR)
    assert list(shortcuts(relu_first)) == ["one.shortcut.conv"]
    own = PAIR.replace("    body:", "    unit: conv gn relu\n    body:")
    assert list(shortcuts(plan("one: pair 32", top=own))) == [
        "one.shortcut.conv",
        "one.shortcut.gn",
    ]


def test_a_files_path_is_read_with_the_files_unit_and_names() -> None:
    top = (
        "let: {k: 8}\nunit: conv relu\nshortcut: [1x1 conv k, 1x1 conv out linear]\n"
        + PAIR.replace("    body:", "    unit: conv bn\n    body:")
    )
    made = shortcuts(plan("one: pair 32", top=top))
    assert list(made) == [
        "one.shortcut.0.conv",
        "one.shortcut.0.relu",
        "one.shortcut.1.conv",
    ]


def test_a_blocks_path_may_begin_with_a_path_of_the_block() -> None:
    top = (
        "unit: bn relu conv\nblocks:\n  act:\n    pre: [bn, relu]\n    body: [pre, 3x3 conv out /stride bare]\n"
        "    shortcut: [pre, 1x1 conv out /stride bare]\n    merge: body + shortcut\n"
    )
    made = plan("one: 2 x act 32 /2", top=top)
    assert made.graph.nodes["one.0.shortcut.1.conv"].inputs == (
        "one.0.pre.1",
    )
    assert kinds(made) == ["path", "identity"]


def test_a_path_may_begin_with_the_shortcut() -> None:
    top = "blocks:\n  b:\n    body: 3x3 conv out linear\n    kept: [shortcut, dropout 0.5]\n    merge: body + kept\n"
    made = plan("one: [b 16, b 32]", top=top)
    assert made.graph.nodes["one.0.kept.1"].inputs == ("input",)
    assert made.graph.nodes["one.1.kept.1"].inputs == ("one.1.shortcut.bn",)


def test_what_starts_from_none_is_none() -> None:
    top = (
        "shortcut: none\nblocks:\n  b:\n    body: 3x3 conv out linear\n    kept: [shortcut, dropout 0.5]\n"
        "    merge: relu(kept + body)\n"
    )
    assert list(ops(plan("one: b 32", top=top))) == [
        "one.body.conv",
        "one.body.bn",
        "one.merge.relu",
    ]


@pytest.mark.parametrize(
    ("merge", "names"),
    [
        ("body + shortcut", []),
        ("shortcut + body", []),
        ("body - shortcut", []),
        ("shortcut - body", ["one.merge.mul"]),
        ("relu(body + (shortcut + shortcut))", ["one.merge.relu"]),
        ("relu(2*body + shortcut)", ["one.merge.mul", "one.merge.relu"]),
    ],
)
def test_a_sum_leaves_none_out(merge: str, names: list[str]) -> None:
    top = f"shortcut: none\nblocks:\n  b:\n    body: 3x3 conv out bare\n    merge: {merge}\n"
    assert list(ops(plan("one: b 32", top=top))) == [
        "one.body.conv",
        *names,
    ]


@pytest.mark.parametrize(
    "merge",
    [
        "body * shortcut",
        "shortcut / 2",
        "2*shortcut + body",
        "concat(body shortcut)",
        "shortcut",
    ],
)
def test_none_elsewhere_is_an_error(merge: str) -> None:
    top = f"shortcut: none\nblocks:\n  b:\n    body: 3x3 conv out bare\n    merge: {merge}\n"
    found = mistakes(spec("one: b 32", top=top))
    assert [
        problem.code for problem in found if problem.code != "E034"
    ] in (
        ["E040"],
        ["E010"],
    )


def test_vectors_are_projected_by_fc() -> None:
    top = (
        "blocks:\n  res:\n    body: [fc out]\n    merge: body + shortcut\n"
    )
    assert shortcuts(plan("one: res 32", input="16", top=top)) == {
        "one.shortcut": "fc 32"
    }
    assert kinds(plan("one: res 16", input="16", top=top)) == ["identity"]


def test_zero_pad_takes_every_second_cell_of_odd_maps() -> None:
    made = plan(
        "one: pair 32 /2",
        input="16x33x33",
        top="shortcut: zero-pad\n" + PAIR,
    )
    assert made.output == (32, 17, 17)


@pytest.mark.parametrize(
    ("net", "top", "code", "at"),
    [
        ("one: pair 8", "shortcut: zero-pad\n" + PAIR, "E041", "pair 8"),
        ("one: pair 32 shortcut padding", PAIR, "E012", "padding"),
        ("one: pair 32", "shortcut: zeropad\n" + PAIR, "E012", "zeropad"),
        ("one: pair 32", "shortcut: project\n" + PAIR, "E012", "project"),
        (
            "one: pair 32",
            "shortcut: 1x1 conv 8\n" + PAIR,
            "E040",
            "body + shortcut",
        ),
        (
            "one: pair 32 /2",
            "shortcut: [avg pool /stride, 1x1 conv]\n" + PAIR,
            "E021",
            "1x1 conv",
        ),
    ],
)
def test_mistakes(net: str, top: str, code: str, at: str) -> None:
    assert told(spec(net, top=top)) == [(code, at)]
