"""`act` is the activation of the unit in force: in merges, paths and labels, and in the library's blocks."""

from __future__ import annotations

import pytest
from nets import mistakes, ops, plan, pointed, spec

from resgraph.passes.residual import residuals

BLOCK = "blocks:\n  b:\n    body: [3x3 conv out, 3x3 conv out linear]\n    merge: act(body + shortcut)\n"


@pytest.mark.parametrize(
    ("unit", "label"),
    [
        ("conv bn relu", "relu"),
        ("conv bn silu", "silu"),
        ("[conv, gn 4, leaky relu 0.2]", "leaky relu 0.2"),
    ],
)
def test_in_a_merge(unit: str, label: str) -> None:
    made = ops(plan("one: b 16", top=f"unit: {unit}\n{BLOCK}"))
    assert (
        made[f"one.merge.{label.partition(' 0')[0].replace(' ', '_')}"]
        == label
    )
    assert (
        made["one.body.0." + label.partition(" 0")[0].replace(" ", "_")]
        == label
    )


def test_it_is_the_word_itself_in_every_output() -> None:
    one, other = (
        plan("one: b 16", top=BLOCK.replace("act(", word))
        for word in ("act(", "relu(")
    )
    assert ops(one) == ops(other)
    assert (one.table(), one.svg(), one.source()) == (
        other.table(),
        other.svg(),
        other.source(),
    )
    assert one.graph.rows[0].items[0].merge == "relu(body + shortcut)"  # type: ignore[union-attr]


def test_in_paths_and_in_labels() -> None:
    made = ops(
        plan(
            "one: [3x3 conv 8 bare, bn, act, global avg pool, fc 4 act]",
            top="unit: conv bn silu",
        )
    )
    assert list(made.values()) == [
        "3x3 conv 8",
        "bn",
        "silu",
        "global avg pool",
        "fc 4",
        "silu",
    ]
    assert ops(plan("one: 3x3 conv 8 act"))["one.relu"] == "relu"


def test_a_let_of_that_name_wins_and_a_unit_may_read_it() -> None:
    top = "let: {act: gelu}\nunit: conv bn act\n" + BLOCK
    made = ops(plan("one: b 16\ntwo: [act, 1x1 conv 4]", top=top))
    assert (made["one.merge.gelu"], made["two.0"], made["two.1.gelu"]) == (
        "gelu",
        "gelu",
        "gelu",
    )
    inner = BLOCK.replace("    body", "    let: {act: tanh}\n    body")
    assert (
        ops(plan("one: b 16 act elu", top=inner))["one.merge.elu"] == "elu"
    )
    assert ops(plan("one: b 16", top=inner))["one.merge.tanh"] == "tanh"


def test_the_unit_of_a_block_is_in_force_there() -> None:
    top = BLOCK.replace("    body", "    unit: conv bn mish\n    body")
    assert "one.merge.mish" in ops(
        plan("one: b 16", top="unit: conv bn silu\n" + top)
    )


@pytest.mark.parametrize(
    "block",
    [
        "basic",
        "bottleneck",
        "se-bottleneck",
        "regnet-y",
        "wide-bottleneck",
        "eca-basic",
    ],
)
@pytest.mark.parametrize(
    "policy", ["unit: conv bn silu", "unit: [conv, gn 2, leaky relu 0.2]"]
)
def test_a_files_unit_reaches_the_librarys_merges(
    block: str, policy: str
) -> None:
    made = plan(f"one: {block} 32", input="32x8x8", top=policy)
    own = next(iter(residuals(made.graph)))
    last = made.graph.nodes[made.graph.output]
    assert last.op.label() == (
        "silu" if "silu" in policy else "leaky relu 0.2"
    )
    assert last.inputs == (own.sum.name,)


def test_a_unit_without_an_activation() -> None:
    (found,) = mistakes(spec("one: b 16", top=f"unit: conv bn\n{BLOCK}"))
    assert (found.code, pointed(found)) == ("E030", "act")
    assert (
        found.message
        == "`act` is the activation of the unit, and `conv bn` has none"
    )
    assert (
        ops(plan("one: basic 16", top="unit: conv bn"))["one.merge.relu"]
        == "relu"
    ), "what a library block does then"


@pytest.mark.parametrize(
    "top",
    [
        "unit: conv bn act\n" + BLOCK,
        BLOCK.replace("    body", "    unit: conv bn act\n    body"),
    ],
)
def test_a_unit_cannot_say_its_own(top: str) -> None:
    (found,) = mistakes(spec("one: b 16", top=top))
    assert (found.code, pointed(found)) == ("E025", "act")
    assert (
        found.message
        == "`act` is the activation of the unit, so the unit itself must say which"
    )
    assert "one.merge.silu" in ops(
        plan("one: b 16", top=f"let: {{act: silu}}\n{top}")
    ), "as its help says"


def test_a_block_or_a_path_may_have_that_name() -> None:
    assert "one.1.conv" in ops(
        plan("one: [relu, act 8]", top="blocks: {act: 3x3 conv out}")
    )
    top = "blocks: {b: {act: 3x3 conv out linear, merge: act + x}}"
    assert list(ops(plan("one: b 16", top=top))) == [
        "one.act.conv",
        "one.act.bn",
        "one.merge.add",
    ]


def test_a_let_may_say_that_there_is_none() -> None:
    top = "blocks:\n  b:\n    let: {act: relu}\n    body: 3x3 conv out act\n    merge: body + x\n"
    made = ops(
        plan(
            "one: [3x3 conv 8 bare, b 8, b 8 act linear, b 8 act bare]",
            top=top,
        )
    )
    assert [name for name in made if name.startswith("one.1")][-2:] == [
        "one.1.body.relu",
        "one.1.merge.add",
    ]
    assert [name for name in made if name.startswith("one.2")] == [
        "one.2.body.conv",
        "one.2.body.bn",
        "one.2.merge.add",
    ]
    assert [name for name in made if name.startswith("one.3")] == [
        "one.3.body.conv",
        "one.3.merge.add",
    ]


def test_what_is_no_activation_is_called_nowhere() -> None:
    top = f"let: {{act: linear}}\n{BLOCK}"
    (found,) = mistakes(spec("one: b 16", top=top))
    assert found.message == "`act` is `linear`, which is no activation"
