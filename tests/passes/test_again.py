"""`again`: what stands above once more, with its weights; the module is torch's same module called twice."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from nets import mistakes, ops, plan, shapes, spec, told
from torch import Tensor, nn

import resgraph
from resgraph.errors import Source
from resgraph.language.format import reformat
from resgraph.lsp.analysis import analyse
from resgraph.lsp.completion import complete
from resgraph.lsp.hover import hover
from resgraph.outputs.explanation import explanation
from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.fold import fold
from resgraph.passes.compare import compare, grouped
from resgraph.passes.inplace import inplace
from resgraph.train.parallel.checkpointing import checkpoint_blocks

PAIR = """
stem: [3x3 conv 8 /2, basic 8]
emb:  [global avg pool, fc 4]
other: [right, again stem..emb]
head: [emb * other, fc 2]
"""
TWO = "{left: 3x12x12, right: 3x12x12}"


@pytest.fixture(scope="module")
def pair() -> resgraph.Plan:
    return plan(PAIR, input=TWO)


def module(made: resgraph.Plan) -> nn.Module:
    torch.manual_seed(1)
    return made.module().double()


def images(count: int = 3, size: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randn(count, 3, size, size, generator=generator).double()


# -- what it makes


def test_nodes_are_named_by_where_they_stand_and_keys_by_the_original(
    pair: resgraph.Plan,
) -> None:
    nodes = pair.graph.nodes
    assert nodes["other.1.stem.0.conv"].shares == "stem.0.conv"
    assert nodes["other.1.stem.0.conv"].inputs == ("right",)
    assert (
        nodes["other.1.stem.1.merge.add"].inputs[1] == "other.1.stem.0.relu"
    )
    keys = {key.split(".")[0] for key in pair.module().state_dict()}
    assert keys == {"stem", "emb", "head"}


def test_params_count_once_and_macs_each_time(pair: resgraph.Plan) -> None:
    one = plan("\n".join(PAIR.strip().splitlines()[:2]), input="3x12x12")
    assert pair.params == one.params + 4 * 2 + 2
    assert pair.macs == 2 * one.macs + 4 * 2
    assert (one.depth, pair.depth) == (4, 5)


def test_a_row_a_path_a_place_and_a_run() -> None:
    made = plan(
        "a: [3x3 conv 16, bottleneck 16]\nb: again a\nc: again a.1.body\nd: [again a.0, 2 x again a..b]",
        input="16x8x8",
    )
    found = {
        name: node.shares
        for name, node in made.graph.nodes.items()
        if node.shares
    }
    assert found["b.1.merge.add"] == "a.1.merge.add"
    assert (
        found["c.2.bn"] == "a.1.body.2.bn"
        and found["d.0.conv"] == "a.0.conv"
    )
    # the first maker's, through `b`
    assert found["d.2.b.0.conv"] == "a.0.conv"
    assert (
        made.params
        == plan("a: [3x3 conv 16, bottleneck 16]", input="16x8x8").params
    )


def test_in_a_block_it_repeats_paths_of_that_block() -> None:
    top = "blocks:\n  rec:\n    a: 3x3 conv out\n    b: [a, 2 x again a]\n    merge: b + x\n"
    made = plan("one: 2 x rec", input="4x6x6", top=top)
    net = module(made)
    x = torch.randn(2, 4, 6, 6).double()
    wanted = x
    for block in net.one:
        wanted = block.a(block.a(block.a(wanted))) + wanted
    assert torch.allclose(net(x), wanted, atol=1e-12)
    assert made.source().count("class ") == 2, (
        "blocks of one structure are one class"
    )


def test_the_first_time_decides_strides_and_counters() -> None:
    top = "blocks:\n  b:\n    body: [3x3 conv out /stride, drop path index/10]\n    merge: body + shortcut\n"
    made = plan("one: 2 x b 3\ntwo: again one", input="3x8x8", top=top)
    assert (
        ops(made)["two.1.body.1"]
        == ops(made)["one.1.body.1"]
        == "drop path 0.1"
    )
    strided = shapes(
        plan("a: 3x3 conv 3 /2\nb: again a\nc: again a", input="3x8x8")
    )
    assert [strided[f"{row}.relu"][1] for row in "abc"] == [4, 2, 1]


def test_a_run_reads_what_flows_in_and_what_is_outside() -> None:
    rows = "a: 3x3 conv 3\nb: 3x3 conv 3\nc: [a + b + input, 3x3 conv 3]\nd: again b..c"
    nodes = plan(rows, input="3x8x8").graph.nodes
    # `a` flowed into `b`, and `c` does now; `input` is what it was
    assert nodes["d.c.0.add"].inputs == ("c.1.relu", "d.b.relu")
    assert nodes["d.c.0.add2"].inputs == ("d.c.0.add", "input")


# -- what it computes


def test_it_is_the_same_module_called_twice(pair: resgraph.Plan) -> None:
    net, left, right = module(pair), images(), images(3).flip(0)
    other = copy.deepcopy(net)

    def by_hand(x: Tensor) -> Tensor:
        return other.emb(other.stem(x))

    out = net(left, right)
    wanted = other.head(by_hand(left) * by_hand(right))
    assert torch.allclose(out, wanted, atol=1e-12)
    out.square().sum().backward()
    wanted.square().sum().backward()
    for mine, theirs in zip(
        net.parameters(), other.parameters(), strict=True
    ):
        assert mine.grad is not None and theirs.grad is not None
        assert torch.allclose(mine.grad, theirs.grad, atol=1e-12)
    for (key, mine), theirs in zip(
        net.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.allclose(mine.double(), theirs.double(), atol=1e-12), (
            key
        )
        if key.endswith("num_batches_tracked"):
            assert int(mine) == 2


@pytest.mark.parametrize(
    "merge", ["relu(body + x)", "prelu(max(body x))", "sigmoid(body)*x"]
)
def test_a_block_is_the_same_at_any_size_of_map(merge: str) -> None:
    """An activation of its equation is a module, which says nothing of sizes."""
    made = resgraph.loads(
        f"name: t\ninput: 3x16x16\nblocks:\n  b: {{body: 3x3 conv in, merge: {merge}}}\nnet:\n"
        "  stem: 3x3 conv 8\n  full: 2 x b\n  low: [2x2 avg pool /2, again full]\n"
    )
    assert made.graph.nodes[made.graph.output].shape == (8, 8, 8)
    net = module(made).eval()
    x = net.get_submodule("stem")(images(size=16))
    pooled = nn.functional.avg_pool2d(net.get_submodule("full")(x), 2)
    assert torch.equal(
        net(images(size=16)), net.get_submodule("full")(pooled)
    )


def test_a_recurrent_row() -> None:
    made = plan(
        "r: 3x3 conv 3\nmore: 3 x again r\nhead: [global avg pool, fc 2]",
        input="3x8x8",
    )
    net, x = module(made), images(2, 8)
    wanted = x
    for _ in range(4):
        wanted = net.r(wanted)
    assert torch.allclose(
        net(x), net.head[1](wanted.mean((2, 3))), atol=1e-12
    )
    assert not hasattr(net, "more")


def test_recomputing_changes_nothing(pair: resgraph.Plan) -> None:
    net = module(pair)
    other = copy.deepcopy(net)
    checkpoint_blocks(other, ["stem.0", "stem.1"])
    for each in (net, other):
        each(images(), images(4)[:3]).square().sum().backward()
    for mine, theirs in zip(
        net.state_dict().values(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)
    for one, two in zip(net.parameters(), other.parameters(), strict=True):
        assert one.grad is not None and two.grad is not None
        assert torch.allclose(one.grad, two.grad, atol=1e-12)


def test_norms_fold_where_they_always_stand_behind_their_layer(
    pair: resgraph.Plan,
) -> None:
    net = module(pair)
    net(images(5), images(5))
    net.eval()
    folded, state = fold(pair, net.state_dict())
    assert not any(".bn." in key for key in state)
    smaller = folded.module().double()
    smaller.load_state_dict(state)
    given = images(2), images(3)[:2]
    assert torch.allclose(smaller.eval()(*given), net(*given), atol=1e-9)
    assert folded.params == sum(p.numel() for p in smaller.parameters())


@pytest.mark.parametrize(
    "rows",
    [
        "a: [3x3 conv 3 bare, bn]\nb: [again a.0, relu]",
        "a: [3x3 conv 3 bare, bn]\nb: again a.1",
        "a: [3x3 conv 3 bare, bn]\nb: [again a.0, bn]",
    ],
)
def test_a_norm_stays_where_one_of_both_is_called_alone(rows: str) -> None:
    made = plan(rows, input="3x6x6")
    net = module(made)
    net(images(5, 6))
    folded, state = fold(made, net.eval().state_dict())
    assert "a.1.weight" in state
    smaller = folded.module().double().eval()
    smaller.load_state_dict(state)
    assert torch.allclose(
        smaller(images(2, 6)), net(images(2, 6)), atol=1e-9
    )


def test_a_module_overwrites_wherever_it_is_called_or_nowhere() -> None:
    free = plan("a: [3x3 conv 3 bare, relu]\nb: again a", input="3x6x6")
    assert {"a.1", "b.1"} <= inplace(free.graph)
    kept = plan(
        "a: [3x3 conv 3 bare, relu]\nb: [a, again a.1]", input="3x6x6"
    )
    assert not {"a.1", "b.1"} & inplace(kept.graph)


# -- every output


def test_exports_and_compiles(pair: resgraph.Plan) -> None:
    assert export(pair, "pt2")[:2] == b"PK"  # checked against the module
    net = pair.module().eval()
    given = images(2).float(), images(3)[:2].float()
    with torch.no_grad():
        wanted = net(*given)
        compile_blocks(net, backend="eager")
        assert torch.allclose(net(*given), wanted, atol=1e-6)


def test_tables_say_what_is_repeated(pair: resgraph.Plan) -> None:
    (row,) = [
        line
        for line in pair.table().splitlines()
        if line.startswith("other")
    ]
    assert "again stem..emb" in row and " – " in f"{row} "
    again = plan("r: 3x3 conv 3\nmore: 3 x again r", input="3x8x8")
    assert "again r × 3" in again.table()
    rows = json.loads(again.to("json"))["rows"]
    assert rows[1]["layers"] == [
        {"block": "", "lines": ["again r"], "repeat": 3}
    ]
    assert (rows[1]["params"], rows[1]["macs"]) == (0, 3 * rows[0]["macs"])


def test_it_explains_itself(pair: resgraph.Plan) -> None:
    said = explanation(pair, "other.1.stem.0.conv")
    assert "those of stem.0.conv" in said
    assert "`stem..emb` again, with its weights" in explanation(
        pair, "other.1"
    )


def test_pictures_say_it_too(pair: resgraph.Plan) -> None:
    assert "again stem..emb" in pair.svg()
    assert "again stem..emb" in pair.to("mmd")
    assert 'id="other.1.stem.0.conv"' in pair.svg(view="ops")


def test_a_difference_is_told() -> None:
    before = plan("a: 3x3 conv 3\nb: 3x3 conv 3", input="3x8x8")
    after = plan("a: 3x3 conv 3\nb: again a", input="3x8x8")
    changes = grouped(compare(before.graph, after.graph))
    assert [(each.kind, each.before, each.after) for each in changes] == [
        ("removed", "", "3x3 conv 3"),
        ("added", "", "again a"),
    ]


def test_it_reads_back(pair: resgraph.Plan, tmp_path: Path) -> None:
    assert resgraph.loads(
        pair.resolved()
    ).graph.nodes == pair.graph.nodes or str(
        resgraph.loads(pair.resolved()).graph
    ) == str(pair.graph)
    text = spec(
        "a: 3x3 conv 3\nb: [3 x  again a, again   a..a]", input="3x8x8"
    )
    long = reformat(Source("a", text), "long")
    assert "[{again: a, repeat: 3}, {again: a}]" in long
    short = reformat(Source("a", long), "short")
    assert "b: [3 x again a, again a]" in short
    assert str(resgraph.loads(long).graph) == str(
        resgraph.loads(text).graph
    )


def test_a_name_of_the_file_goes_before_the_word() -> None:
    top = "blocks:\n  again: 3x3 conv out\n"
    assert (
        ops(plan("a: again 4", input="3x8x8", top=top))["a.conv"]
        == "3x3 conv 4"
    )
    inline = plan("a: {again: 3x3 conv 4}", input="3x8x8")
    assert ops(inline)[
        "a.again.conv" if "a.again.conv" in ops(inline) else "a.conv"
    ]


# -- mistakes


@pytest.mark.parametrize(
    ("rows", "code", "at"),
    [
        ("a: 3x3 conv 4\nb: again a", "E045", "again a"),
        ("a: [3x3 conv 3, 2 x again a]", "E037", "a"),
        ("a: again b\nb: 3x3 conv 3", "E030", "b"),
        ("a: 3x3 conv 3\nb: again c", "E030", "c"),
        ("a: 3x3 conv 3\nb: again a.7", "E030", "a.7"),
        ("a: 3x3 conv 3\nb: 3x3 conv 3\nc: again b..a", "E030", "b..a"),
        ("a: 3x3 conv 3\nb: again input", "E030", "input"),
        ("a: [input + input, 3x3 conv 3]\nb: again a", "E045", "a"),
        ("a: 3x3 conv 3\nb: again a 64", "E012", "64"),
        ("a: 3x3 conv 3\nb: 3x3 again a", "E012", "3x3"),
        ("a: 3x3 conv 3\nb: again", "E012", "again"),
        ("a: 3x3 conv 3\nb: [global avg pool, again a]", "E044", "again a"),
        ("a: 16x16 max pool\nb: again a", "E043", "again a"),
    ],
)
def test_mistakes(rows: str, code: str, at: str) -> None:
    assert told(spec(rows, input="3x20x20")) == [(code, at)]


def test_what_a_mistake_spoils_is_not_told_again() -> None:
    found = mistakes(
        spec("a: 3x3 convv 3\nb: again a\nc: again b", input="3x8x8")
    )
    assert [each.code for each in found] == ["E011"]


def test_the_language_server_knows_it() -> None:
    text = spec("one: 3x3 conv 3\ntwo: again one", input="3x8x8")
    line = text.splitlines().index("  two: again one") + 1
    analysis = analyse(text, Path("a.yaml"))
    assert {c.text for c in complete(analysis, text, line, 14)} == {"one"}
    assert "again" in {c.text for c in complete(analysis, text, line, 8)}
    assert "with the same weights" in hover(analysis, line, 10)
    assert "2 times in the net" in hover(analysis, line - 1, 10)
