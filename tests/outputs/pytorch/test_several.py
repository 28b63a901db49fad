"""Nets of several outputs in every form that leaves resgraph, and in what is done to a net: folded, compiled, checkpointed,
copied."""

from __future__ import annotations

import copy
import io
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from resgraph.outputs.pytorch.compile import compile_blocks
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.fold import fold
from resgraph.passes.fold import fold_batch_norm
from resgraph.passes.inplace import inplace
from resgraph.plan import Plan, loads
from resgraph.train.parallel.checkpointing import (
    blocks_of,
    checkpoint_blocks,
)

FPN = """
name: pyramid
input: 3x40x32
net:
  c1:   [3x3 conv 8 /2, 3x3 max pool /2]
  c2:   basic 8
  c3:   basic 16 /2
  u2:   [c3, 1x1 conv 8 linear, upsample to c2]
  p2:   [c2 + u2, 3x3 conv 8 linear]
  head: [c3, global avg pool, fc 5]
output: [head, p2, c3, c2]
"""
AUX = "  aux1: [c2, global avg pool, fc 5]\naux: [aux1]\noutput:"


@pytest.fixture(scope="module")
def pyramid() -> Plan:
    return loads(FPN)


@pytest.fixture(scope="module")
def helped() -> Plan:
    return loads(FPN.replace("output:", AUX))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def settled(plan: Plan) -> nn.Module:
    """A net whose norms have seen images."""
    net = plan.module()
    with torch.no_grad():
        net(torch.randn(8, *plan.input))
    return net.eval()


def given(net: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    found = net(images)
    assert isinstance(found, tuple)
    return found


def close(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> bool:
    return all(
        torch.allclose(a, b, atol=1e-5)
        for a, b in zip(ours, theirs, strict=True)
    )


def test_nothing_is_written_over_an_output() -> None:
    """Each is what the same layers give where nothing else is asked of them."""
    every = "c1: 3x3 conv 16\n  c2: 3x3 conv 16 linear\n  c3: c2 + c1\n  c4: [c3, relu]"
    text = f"name: n\ninput: 3x8x8\nnet:\n  {every}\n"
    whole = loads(f"{text}output: [c1, c2, c3, c4]")
    net = whole.module().eval()
    images = torch.randn(2, 3, 8, 8)
    for row, found in zip(whole.outputs, given(net, images), strict=True):
        alone = loads(text, overrides=[f"output=[{row}]"]).module().eval()
        alone.load_state_dict(
            {
                k: v
                for k, v in net.state_dict().items()
                if k in alone.state_dict()
            }
        )
        assert torch.equal(found, given(alone, images)[0])
    assert "c3.add" in inplace(loads(text).graph)
    assert not {"c3.add", "c4.1"} & inplace(whole.graph)


def test_gradients_of_all_outputs_are_those_without_writing_over(
    pyramid: Plan,
) -> None:
    net = settled(pyramid).double()
    safe = copy.deepcopy(net)
    for module in safe.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    images = torch.randn(4, *pyramid.input, dtype=torch.double)
    found = []
    for each in (net, safe):
        sum(
            out.square().sum() for out in given(each.train(), images)
        ).backward()
        found.append([p.grad for p in each.parameters()])
    assert all(map(torch.equal, *found))


def test_folding_keeps_each_output(pyramid: Plan) -> None:
    net = settled(pyramid)
    folded, state = fold(pyramid, net.state_dict())
    assert [o.row for o in folded.graph.outputs] == [
        "head",
        "p2",
        "c3",
        "c2",
    ]
    assert [o.node for o in folded.graph.outputs][
        1
    ] == "p2.1.conv"  # the norm is in it
    other = folded.module().eval()
    other.load_state_dict(state)
    images = torch.randn(2, *pyramid.input)
    with torch.no_grad():
        assert close(given(other, images), given(net, images))


def test_a_conv_whose_value_is_an_output_keeps_its_norm() -> None:
    plan = loads(
        "name: n\ninput: 3x8x8\nnet:\n  c: 3x3 conv 4 bare\n  n: bn\noutput: [n, c]"
    )
    assert fold_batch_norm(plan.graph)[1] == {}


@pytest.mark.parametrize("folded", [False, True])
def test_pt2(pyramid: Plan, folded: bool) -> None:
    net = settled(pyramid)
    extra = {"resgraph.json": ""}
    content = export(pyramid, "pt2", net.state_dict(), fold_norms=folded)
    program = torch.export.load(
        io.BytesIO(content), extra_files=extra
    ).module()
    images = torch.randn(3, *pyramid.input)
    with torch.no_grad():
        assert close(given(program, images), given(net, images))
    shapes = json.loads(json.loads(extra["resgraph.json"])["outputs"])
    assert shapes == {
        "head": "5",
        "p2": "8x10x8",
        "c3": "16x5x4",
        "c2": "8x10x8",
    }


def test_onnx_has_outputs_of_their_names(pyramid: Plan) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    net = settled(pyramid)
    session = runtime.InferenceSession(
        export(pyramid, "onnx", net.state_dict())
    )
    assert [out.name for out in session.get_outputs()] == [
        "head",
        "p2",
        "c3",
        "c2",
    ]
    images = torch.randn(3, *pyramid.input)
    found = tuple(
        map(torch.from_numpy, session.run(None, {"images": images.numpy()}))
    )
    with torch.no_grad():
        assert close(found, given(net, images))


def test_safetensors_say_the_outputs(helped: Plan, tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(export(helped, "safetensors"))
    with safe_open(file, "pt") as opened:
        assert [*json.loads(opened.metadata()["outputs"])] == [
            "head",
            "p2",
            "c3",
            "c2",
        ]
        assert "aux1.2.weight" in opened.keys()  # noqa: SIM118  # not a dict


def test_an_exported_net_has_no_aux(helped: Plan) -> None:
    program = torch.export.load(io.BytesIO(export(helped, "pt2"))).module()
    assert len(given(program, torch.randn(2, *helped.input))) == 4


@pytest.mark.parametrize("whole", [True, False])
def test_compiled_in_both_modes(helped: Plan, whole: bool) -> None:
    plain = settled(helped)
    net = copy.deepcopy(plain)
    compile_blocks(net, whole=whole, backend="eager")
    images = torch.randn(2, *helped.input)
    for mode, count in ((True, 5), (False, 4)):
        with torch.no_grad():
            ours, theirs = (
                given(each.train(mode), images) for each in (net, plain)
            )
        assert len(ours) == count and close(ours, theirs)


def test_checkpointed(helped: Plan) -> None:
    plain = settled(helped).train()
    net = copy.deepcopy(plain)
    checkpoint_blocks(net, [*blocks_of(net)])
    images = torch.randn(4, *helped.input)
    grads = []
    for each in (plain, net):
        sum(out.sum() for out in given(each, images)).backward()
        grads.append([p.grad for p in each.parameters()])
    assert all(map(torch.equal, *grads))


def test_copies_and_pickles(helped: Plan) -> None:
    net = settled(helped)
    images = torch.randn(1, *helped.input)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert all(
            map(torch.equal, given(other, images), given(net, images))
        )
