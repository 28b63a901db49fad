"""A block that is written in a row reads rows and inputs; its module is given them behind its input."""

from __future__ import annotations

import pytest
import torch
from nets import plan, spec, told
from torch import Tensor, nn

import resgraph
from resgraph.graph import Stream
from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.fold import fold
from resgraph.train.parallel.checkpointing import checkpoint_blocks

NET = """
a: 3x3 conv 4
b: 3x3 conv 8 /2
y: [a, {up: [b, 1x1 conv 4 linear, upsample 2], merge: relu(x + up)}]
z: {down: [a, 3x3 conv 8 /2 linear], merge: relu(b + down)}
head: [y, avg pool /2, {merge: "concat(x z)"}, global avg pool, fc 3]
"""


@pytest.fixture(scope="module")
def net() -> resgraph.Plan:
    return plan(NET, input="3x8x8")


def module(made: resgraph.Plan) -> nn.Module:
    torch.manual_seed(2)
    return made.module().double()


def images(count: int = 3) -> Tensor:
    return torch.randn(
        count, 3, 8, 8, generator=torch.Generator().manual_seed(5)
    ).double()


def by_hand(made: nn.Module, x: Tensor) -> Tensor:
    a = made.a(x)
    b = made.b(a)
    y = (
        a + nn.functional.interpolate(made.y[0].up[0](b), scale_factor=2)
    ).relu()
    z = (b + made.z.down[0](a)).relu()
    pooled = torch.cat([nn.functional.avg_pool2d(y, 2), z], 1).mean((2, 3))
    return nn.functional.linear(pooled, *made.head[-1].parameters())


def test_what_is_read_and_handed_in(net: resgraph.Plan) -> None:
    blocks = {block.name: block for block in net.graph.blocks()}
    assert blocks["y.1"].reads == (Stream("b", "b.relu"),)
    assert [each.node for each in blocks["z"].reads] == ["a.relu", "b.relu"]
    assert "def forward(self, x, b):" in net.source()
    assert "self.z(" in net.source()
    conv = 4 * 3 * 9 + 8 + 4 * 8 * 9 + 16
    assert net.params == conv + 8 * 4 + 8 + 4 * 8 * 9 + 16 + 12 * 3 + 3


@pytest.mark.parametrize("training", [False, True])
def test_it_computes_what_it_says(
    net: resgraph.Plan, *, training: bool
) -> None:
    made = module(net).train(training)
    assert torch.allclose(
        made(images()), by_hand(made, images()), atol=1e-12
    )


def test_recomputed_folded_compiled_and_exported(
    net: resgraph.Plan,
) -> None:
    made = module(net)
    wanted = made(images())
    other = module(net)
    checkpoint_blocks(other, ["y.1", "z"])
    assert torch.equal(other(images()), wanted)
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


def test_it_can_be_made_again() -> None:
    rows = "a: 3x3 conv 4\nb: 3x3 conv 4\ny: {gate: [a, sigmoid], merge: b * gate + x}\n"
    made = plan(
        rows + "z: again y\nw: again b..y\nhead: [y + z + w]", input="4x6x6"
    )
    net = module(made)
    x = torch.randn(2, 4, 6, 6).double()
    a = net.a(x)
    b = net.b(a)
    y = b * a.sigmoid() + b
    z = y * a.sigmoid() + y  # `b` flowed into `y`, and `y` does now
    again = net.b(z)
    # `a` flowed into `b`, and `z` does now
    w = again * z.sigmoid() + again
    assert torch.allclose(net(x), y + z + w, atol=1e-12)


def test_pictures_show_who_reads_what(net: resgraph.Plan) -> None:
    assert ">b</text>" in net.svg() and ">a</text>" in net.svg(view="ops")
    assert net.to("mmd") and net.dot() and net.to("html")


def test_its_own_paths_go_first() -> None:
    hidden = "a: 3x3 conv 4\nb: {a: 3x3 conv 4, merge: a + x}"
    nodes = plan(hidden, input="3x6x6").graph.nodes
    assert nodes["b.merge.add"].inputs == ("b.a.relu", "a.relu")


def test_inputs_are_read_too() -> None:
    made = plan(
        "a: [3x3 conv 4, {gate: [age, fc out sigmoid], merge: x * gate}]",
        input="{image: 3x6x6, age: 5}",
    )
    net = module(made)
    image = torch.randn(2, 3, 6, 6).double()
    age = torch.randn(2, 5).double()
    gate = nn.functional.linear(age, *net.a[1].gate.parameters()).sigmoid()
    assert torch.allclose(
        net(image, age),
        net.a[0](image) * gate[:, :, None, None],
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("a: 3x3 conv 3\nb: {merge: a + z}", [("E030", "z")]),
        (
            "a: 3x3 conv 3\nb: {merge: x + c}\nc: 3x3 conv 3",
            [("E030", "c")],
        ),
        (
            "a: 3x3 conv 3\nb: 3x3 conv 3\nc: {p: [b, relu], merge: a + x}",
            [("E034", "p")],
        ),
        ("a: 3x3 conv 3\nb: [input, 3x3 conv 3]\nc: {merge: a + x}", []),
    ],
)
def test_mistakes(rows: str, wrong: list[tuple[str, str]]) -> None:
    assert told(spec(rows, input="3x8x8")) == wrong


def test_a_block_of_the_file_knows_no_rows() -> None:
    top = "blocks:\n  b:\n    p: 3x3 conv out\n    merge: p + a\n"
    assert [
        code
        for code, _ in told(
            spec("a: 3x3 conv 3\nc: b 3", input="3x8x8", top=top)
        )
    ] == ["E030"]
