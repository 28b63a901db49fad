"""Blocks that read several streams and give several: what flows, what its module is given, and what is wrong."""

from __future__ import annotations

import re

import pytest
import torch
from nets import plan, spec, told
from torch import Tensor, nn
from torch.nn.functional import interpolate

import resgraph
from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.fold import fold
from resgraph.train.parallel.checkpointing import checkpoint_blocks

BLOCKS = """
blocks:
  exchange:
    reads: [a, b]
    p: [a, 3x3 conv in.0]
    q: [b, 3x3 conv in.1]
    y1: {up: [q, 1x1 conv in.0 linear, upsample 2], merge: relu(p + up)}
    y2: {down: [p, 3x3 conv in.1 /2 linear], merge: relu(q + down)}
    gives: [y1, y2]
  split: {a: 3x3 conv 4, b: 3x3 conv 8 /2, gives: [a, b]}
"""
NET = """
s: [split, 2 x exchange]
t: [{reads: [a, b], c: [b, 3x3 conv 6 /2], gives: [a, b, c]}]
j: {low: [t.c, upsample 4], mid: [t.b, upsample 2], merge: concat(low mid t.a)}
head: [global avg pool, fc 3]
"""


@pytest.fixture(scope="module")
def net() -> resgraph.Plan:
    return plan(NET, input="3x8x8", top=BLOCKS)


def module(made: resgraph.Plan) -> nn.Module:
    torch.manual_seed(2)
    return made.module().double()


def images(count: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(count, 3, 8, 8, generator=generator).double()


def exchanged(
    made: nn.Module, a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    p, q = made.p(a), made.q(b)
    up = interpolate(made.y1.up[0](q), scale_factor=2)
    return (p + up).relu(), (q + made.y2.down[0](p)).relu()


def by_hand(made: nn.Module, x: Tensor) -> Tensor:
    a, b = made.s[0].a(x), made.s[0].b(x)
    for block in made.s[1:]:
        a, b = exchanged(block, a, b)
    c = made.t[0].c(b)
    maps = interpolate(c, scale_factor=4), interpolate(b, scale_factor=2), a
    pooled = torch.cat(maps, 1).mean((2, 3))
    return nn.functional.linear(pooled, *made.head[-1].parameters())


@pytest.mark.parametrize("training", [False, True])
def test_it_computes_what_it_says(
    net: resgraph.Plan, *, training: bool
) -> None:
    made = module(net).train(training)
    assert torch.allclose(
        made(images()), by_hand(made, images()), atol=1e-12
    )


def test_what_flows_and_what_it_costs(net: resgraph.Plan) -> None:
    rows = {row.name: row for row in net.graph.rows}
    assert [stream.name for stream in rows["t"].gives] == ["a", "b", "c"]
    shapes = [
        net.graph.nodes[stream.node].shape for stream in rows["t"].gives
    ]
    assert shapes == [(4, 8, 8), (8, 4, 4), (6, 2, 2)]
    two = (9 * 16 + 8) + (9 * 64 + 16) + (8 * 4 + 8) + (9 * 4 * 8 + 16)
    split = (27 * 4 + 8) + (27 * 8 + 16)
    assert net.params == split + 2 * two + (9 * 8 * 6 + 12) + (18 * 3 + 3)
    # two blocks of a conv and a cross conv each, then down to c
    assert net.depth == 1 + 2 * 2 + 1 + 1
    text = net.table()
    assert "4×8×8\n" in text.replace(" ", "") or "4 × 8 × 8" in text
    assert "8×4×4" in text.replace(" ", "") and "6×2×2" in text.replace(
        " ", ""
    )


def test_the_source_is_read_as_it_is_written(net: resgraph.Plan) -> None:
    source = net.source()
    assert (
        "self.s = StreamSequential(Split(), Exchange(), Exchange())"
        in source
    )
    assert "def forward(self, a, b):" in source
    assert "return self.y1(q, p), self.y2(p, q)" in source
    assert "y1, y2 = self.s(x)\n        a, b, c = self.t(y1, y2)" in source


def test_recomputed_folded_compiled_and_exported(
    net: resgraph.Plan,
) -> None:
    made = module(net)
    wanted = made(images())
    other = module(net)
    checkpoint_blocks(other, ["s.1", "s.2", "t.0"])
    assert torch.equal(other(images()), wanted)
    other(images()).sum().backward()
    assert all(
        parameter.grad is not None for parameter in other.parameters()
    )
    made.eval()
    folded, state = fold(net, made.state_dict())
    smaller = folded.module().double().eval()
    smaller.load_state_dict(state)
    assert not any(".bn." in key for key in state)
    with torch.no_grad():
        assert torch.allclose(smaller(images()), made(images()), atol=1e-9)
        wanted = made(images())
        compile_blocks(made, backend="eager")
        assert torch.allclose(made(images()), wanted, atol=1e-12)
    assert export(net, "pt2")[:2] == b"PK"  # checked against the module


def test_without_writing_over_the_numbers_are_the_same(
    net: resgraph.Plan,
) -> None:
    torch.manual_seed(2)
    plain = net.module(inplace=False).double()
    assert torch.equal(plain(images()), module(net)(images()))


def test_pictures_of_every_kind(net: resgraph.Plan) -> None:
    assert ">t.a</text>" in net.svg() or "exchange" in net.svg()
    assert (
        net.svg(view="ops")
        and net.to("mmd")
        and net.dot()
        and net.to("html")
    )


def test_rows_of_streams_are_outputs() -> None:
    several = plan(
        NET, input="3x8x8", top=f"{BLOCKS}\noutput: [t, s.y1, head]"
    )
    assert several.outputs == {
        "t.a": (4, 8, 8),
        "t.b": (8, 4, 4),
        "t.c": (6, 2, 2),
        "s.y1": (4, 8, 8),
        "head": (3,),
    }
    given = module(several)(images())
    assert [tuple(each.shape[1:]) for each in given] == [
        *several.outputs.values()
    ]
    last = plan("s: [split, exchange]", input="3x8x8", top=BLOCKS)
    assert len(module(last)(images())) == 2
    features = plan(NET, input="3x8x8", top=BLOCKS).features("s", "t.c")
    assert [*features.outputs] == ["s.y1", "s.y2", "t.c"]


def test_streams_flow_again_with_their_weights() -> None:
    rows = (
        "s: [split, exchange]\nt: 2 x again s.1\nu: [s, again t.0]\n"
        "head: {low: [t.y2, upsample 2], mid: [u.y2, upsample 2],"
        " merge: concat(t.y1 low u.y1 mid)}"
    )
    made = plan(rows, input="3x8x8", top=BLOCKS)
    net = module(made).eval()
    first = exchanged(net.s[1], net.s[0].a(images()), net.s[0].b(images()))
    second = exchanged(net.s[1], *first)
    third = exchanged(net.s[1], *second)
    maps = third[0], interpolate(third[1], scale_factor=2)
    maps += second[0], interpolate(second[1], scale_factor=2)
    assert torch.allclose(net(images()), torch.cat(maps, 1), atol=1e-12)
    assert (
        made.params
        == plan("s: [split, exchange]", input="3x8x8", top=BLOCKS).params
    )


def test_a_tensor_may_be_two_streams() -> None:
    top = """
blocks:
  twin: {y: 3x3 conv 4, skip: y, gives: [y, skip]}
  next: {reads: [x0, skip], y: [x0, 3x3 conv 4], z: y + skip, gives: [z, skip]}
"""
    made = plan("s: [twin, 2 x next]\nl: s.z", input="3x8x8", top=top)
    net = module(made).eval()
    skip = net.s[0](images())
    one = net.s[1].y(skip) + skip
    assert torch.allclose(net(images()), net.s[2].y(one) + skip, atol=1e-12)


def test_a_path_of_a_block_may_be_several_streams() -> None:
    top = f"""{BLOCKS}
  whole: {{e: [split, exchange], up: [e.y2, upsample 2], merge: concat(e.y1 up)}}
"""
    made = plan("w: whole", input="3x8x8", top=top)
    net = module(made).eval()
    block = net.w.e
    a, b = exchanged(block[1], block[0].a(images()), block[0].b(images()))
    wanted = torch.cat([a, interpolate(b, scale_factor=2)], 1)
    assert torch.allclose(net(images()), wanted, atol=1e-12)


def test_old_paths_of_these_names_mean_what_they_meant() -> None:
    top = """
blocks:
  old:
    reads: [3x3 conv 3, bn]
    gives: [reads, relu]
    merge: gives + x
  older: {y: 3x3 conv 3, gives: [y], merge: gives + x}
"""
    nodes = plan(
        "a: old 3\nb: older 3".replace(" 3", ""), input="3x8x8", top=top
    )
    assert (
        "a.reads.1" in nodes.graph.nodes
        and "a.gives.1" in nodes.graph.nodes
    )
    assert nodes.graph.nodes["b.merge.add"].inputs == (
        "b.y.relu",
        "a.merge.add",
    )


@pytest.mark.parametrize(
    ("rows", "block", "wrong"),
    [
        # a stream that the row does not give
        (
            "s: split\nl: [s.a, relu]\nm: {merge: s.z + l}",
            "",
            [("E030", "s.z")],
        ),
        ("s: 3x3 conv 4\nl: [s.a, relu]", "", [("E030", "s.a")]),
        # one that nothing reads
        ("s: [split, exchange]\nl: [s.y1, relu]", "", [("E034", "s")]),
        # unequal numbers, of a call and of a repeat
        (
            "s: [split, mine]\nl: s.y",
            "{reads: [a, b, c], y: a + b + c, z: [c, relu], gives: [y, z]}",
            [("E047", "mine")],
        ),
        (
            "s: [split, 2 x mine]",
            "{reads: [a, b], c: [b, 3x3 conv 4 /2], gives: [a, b, c]}",
            [("E047", "2 x mine")],
        ),
        ("s: [3x3 conv 4, exchange]", "", [("E047", "exchange")]),
        # several where one is expected
        ("s: split\nl: 3x3 conv 4", "", [("E047", "3x3 conv 4")]),
        ("s: split\nl: basic 4", "", [("E047", "basic 4")]),
        ("s: split\nl: [relu(s)]", "", [("E047", "s")]),
        (
            "s: split\nl: [s.b, upsample to s]\nm: {merge: s.a + l}",
            "",
            [("E030", "s")],
        ),
        # what cannot be a block
        ("s: mine", "{y: 3x3 conv 4, gives: [y]}", [("E022", "[y]")]),
        (
            "s: mine",
            "{y: 3x3 conv 4, z: relu, gives: [y, z], merge: y}",
            [("E024", "y")],
        ),
        ("s: mine", "{y: 3x3 conv 4, gives: [y, w]}", [("E030", "w")]),
        (
            "s: mine",
            "{y: 3x3 conv 4, z: relu, gives: [y, z, y]}",
            [("E022", "[y, z, y]")],
        ),
        (
            "s: [split, mine]",
            "{reads: [a, b], y: concat(a b), merge: y + shortcut}",
            [("E047", "y + shortcut")],
        ),
        (
            "s: [split, mine]",
            "{reads: [a, b], y: [a, relu], merge: y}",
            [("E034", "b")],
        ),
    ],
)
def test_mistakes(
    rows: str, block: str, wrong: list[tuple[str, str]]
) -> None:
    top = BLOCKS + (f"  mine: {block}\n" if block else "")
    for name in ("split", "exchange"):
        if name not in rows:
            top = re.sub(
                rf"^  {name}:.*\n(    .*\n)*", "", top, flags=re.MULTILINE
            )
    top = "" if top.strip() == "blocks:" else top
    assert told(spec(rows, input="3x8x8", top=top)) == wrong


@pytest.mark.parametrize("given", ["[p, p]", "[p]"])
def test_gives_with_too_few_names_is_one_error(given: str) -> None:
    """The path that is missing in it is not told as unread."""
    block = f"{{p: [x, 3x3 conv 8], q: [x, 3x3 conv 8], gives: {given}}}"
    text = f"name: n\ninput: 3x8x8\nnet:\n  s: {block}\n  head: [s.p, 3x3 conv 8]\n"
    with pytest.raises(resgraph.SpecError) as caught:
        resgraph.loads(text)
    (problem,) = caught.value.diagnostics
    assert problem.code == "E022" and "gives" in problem.message
