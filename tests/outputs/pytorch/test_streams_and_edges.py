"""Nets of streams, and of every kind of cells around a map, in each form that leaves resgraph and in what is done to a
net: folded, compiled, recomputed, without writing over."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.outputs.pytorch.export import export
from resgraph.plan import Plan, load, loads
from resgraph.train.parallel.checkpointing import (
    blocks_of,
    checkpoint_blocks,
)

pytestmark = pytest.mark.filterwarnings("ignore")
STREAMS = """
name: streams
input: 3x16x16
blocks:
  exchange:
    reads: [a, b]
    p:  [a, 2 x basic]
    q:  [b, 3x3 conv in.1 pad 0:2]
    y1: {up: [q, 1x1 conv in.0 linear, upsample 2], merge: relu(p + up)}
    y2: {down: [p, 3x3 conv in.1 /2 linear pad same], merge: relu(q + down)}
    gives: [y1, y2]
net:
  stem:  3x3 conv 8
  stage: [{a: 3x3 conv 8, b: 3x3 conv 12 /2, gives: [a, b]}, 2 x exchange]
output: [stage]
"""
EDGES = """
name: edges
input: 3x16x12
net:
  a: [3x3 conv 8 /2 EDGE, 3x3 depthwise conv EDGE, 3x3 max pool /1 EDGE, 3x3 avg pool /1 EDGE]
  b: {body: [3x3 conv out EDGE, 3x3 conv out linear EDGE], merge: relu(body + x)}
  head: [global avg pool, fc 5]
"""
KINDS = (
    "pad 0:2",
    "pad same",
    "pad 1:1",
    "reflect",
    "replicate",
    "pad 1x0:2 reflect",
)
TEXTS = {
    "streams": STREAMS,
    **{kind: EDGES.replace("EDGE", kind) for kind in KINDS[:-1]},
    KINDS[-1]: EDGES.replace("EDGE", KINDS[-1]).replace("merge: relu(body + x)", "merge: body"),
}  # fmt: skip
every_net = pytest.mark.parametrize("name", TEXTS)
some_nets = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.slow] * (name not in ("streams", "pad 0:2")),
        )
        for name in TEXTS
    ],
)


def settled(name: str) -> tuple[Plan, nn.Module, Tensor]:
    """A net whose statistics are not those it starts with, and images."""
    torch.manual_seed(0)
    plan = (
        load(name, ["input=3x64x64"])
        if name not in TEXTS
        else loads(TEXTS[name])
    )
    net, images = plan.module(), torch.randn(2, *plan.input)
    with torch.no_grad():
        net(images)
    return plan, net.eval(), images


def given(net: Callable[..., object], images: Tensor) -> tuple[Tensor, ...]:
    with torch.no_grad():
        out = net(images)
    return out if isinstance(out, tuple) else (out,)  # type: ignore[return-value]


def same(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> bool:
    return len(found) == len(wanted) and all(
        (one - other).abs().max() <= 1e-4 * other.abs().max()
        for one, other in zip(found, wanted, strict=True)
    )


def check_program(name: str, folded: bool) -> None:
    plan, net, images = settled(name)
    content = export(plan, "pt2", net.state_dict(), fold_norms=folded)
    program = torch.export.load(io.BytesIO(content)).module()
    assert same(given(program, images), given(net, images))


def check_onnx(name: str, folded: bool) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    plan, net, images = settled(name)
    session = runtime.InferenceSession(
        export(plan, "onnx", net.state_dict(), fold_norms=folded)
    )
    found = session.run(None, {"images": images.numpy()})
    assert same(tuple(map(torch.from_numpy, found)), given(net, images))


@some_nets
def test_programs(name: str) -> None:
    check_program(name, folded=True)


@pytest.mark.slow
@every_net
def test_onnx(name: str) -> None:
    check_onnx(name, folded=True)


@pytest.mark.slow
@pytest.mark.parametrize("folded", [False, True])
def test_hrnet_leaves_as_it_is(folded: bool) -> None:
    check_program("hrnet-w18", folded)
    check_onnx("hrnet-w18", folded)


@some_nets
@pytest.mark.parametrize("whole", [False, True])
def test_compiled(name: str, whole: bool) -> None:
    torch._dynamo.reset()
    _, net, images = settled(name)
    other = copy.deepcopy(net)
    compile_blocks(other, whole=whole, backend="eager")
    assert same(given(other, images), given(net, images))


@every_net
def test_recomputed_and_without_writing_over(name: str) -> None:
    plan, net, images = settled(name)
    apart = plan.module(inplace=False)
    apart.load_state_dict(net.state_dict())
    again = copy.deepcopy(net)
    checkpoint_blocks(again, [*blocks_of(again)])
    results = []
    for each in (net, again, apart):
        out = each.train()(images)
        sum(y.square().sum() for y in (out if isinstance(out, tuple) else (out,))).backward()  # type: ignore[union-attr]  # fmt: skip
        results.append(
            [*(p.grad for p in each.parameters()), *each.buffers()]
        )
    assert all(map(torch.equal, results[0], results[1]))  # type: ignore[arg-type]
    assert all(map(torch.equal, results[0], results[2]))  # type: ignore[arg-type]
