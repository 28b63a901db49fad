"""What we export comes back: the net that is imported from it is the spec's, node by node, up to
names and what the format does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ops.rows import ROWS, Row

from resgraph import Plan, from_module, load, loads
from resgraph.importing import Imported, ImportRefused, from_model
from resgraph.importing.matching import matched_nets

SPECS = Path(__file__).parents[2] / "specs"
UNLIKE = {
    "cyclegan": "a pad before a convolution is the convolution's",
    "deeplabv3-resnet-50": "an auxiliary head is there in training only",
    "fcn-resnet-50": "an auxiliary head is there in training only",
    "fractalnet": "a mean of paths is their sum over their number",
    "googlenet": "auxiliary heads are there in training only",
    "hgnet-v2-b0": "a pad before a convolution is the convolution's",
    "inception-v3": "an auxiliary head is there in training only",
    "nf-resnet": "gamma has twelve digits",
    "nfnet-f0": "gamma has twelve digits",
    "squeezenet": "rounding up changes nothing where nothing hangs over",
    "srresnet": "`pixel shuffle` is `depth to space`",
    "wide-resnet": "a dropout with a rate of 0 does nothing",
}
"""What is equal in numbers and said in another way, and why."""
LARGE = ("video-resnet",)
"""What takes minutes to be run in float64."""
SAMPLE = ("digits", "highway")
"""Those that every run of the tests tries."""


def same(spec: Plan, found: Plan) -> bool:
    """Whether two nets are one node by node; drop paths are nothing in a captured graph."""
    own, other = spec.graph, found.graph
    ends = [output.node for output in other.outputs]
    return matched_nets(own, other.nodes, other.inputs, ends) is not None


def closes(spec: Plan, found: Imported) -> bool:
    assert found.proof.output is not None and found.proof.output <= 1e-9
    return same(spec, found.plan)


@pytest.mark.parametrize("name", SAMPLE)
def test_source_of_ours_comes_back(name: str) -> None:
    plan = load(SPECS / f"{name}.yaml")
    assert closes(plan, from_module(plan.module(), plan.input))


def test_a_program_of_ours_comes_back(tmp_path: Path) -> None:
    plan = load("digits")
    (tmp_path / "net.pt2").write_bytes(plan.to("pt2"))
    assert closes(plan, from_model(str(tmp_path / "net.pt2")))


def test_drop_paths_of_either_net_are_nothing() -> None:
    """Import writes the library's blocks, which have some with a rate of 0."""
    text = "name: a\ninput: 8x16x16\nunit: conv\nnet: {a: 2 x convnext, b: 1x1 conv 4}"
    plan = loads(text)
    assert same(plan, from_module(plan.module(), plan.input).plan)


def test_another_net_does_not() -> None:
    assert not same(
        load("digits"), load("digits", overrides=["unit=conv bn silu"])
    )


SAID_OTHERWISE = {
    "scale 0.5 shift 0.1": "how parameters start is in no captured graph",
    "gain 0.5 shift 0.1": "how parameters start is in no captured graph",
    "depth to space 2 blockwise": "a shuffle and `depth to space` in the other order",
    "zero-pad 8": "it pads nothing, as `pad 0` does",
    "softsign": "torch.export spells it out: `x/(abs(x) + 1)`",
    "pixel shuffle 2": "it is `depth to space`",
    "pixel unshuffle 2": "it is `space to depth`",
    "space to depth 3 blockwise": "`space to depth` in the other order and a shuffle",
}
"""Labels whose op comes back as another that computes the same, and why."""
NOT_READ = {
    "drop path": "the model returns its input",
    "drop block": "the model returns its input",
    "zero-pad 8": "the model returns its input",  # of 8 channels: it adds none
    "max pool": "with another value than 0",
    "avg pool": "`ones_like` is not in the language",
    "depth to space": "axes were moved",
    "space to depth": "axes were moved",
}
"""Ops that import refuses, of some sizes or alone in a net, and what it says."""


def _id(row: Row) -> str:
    return f"{row.label} on {'x'.join(map(str, row.x))}"


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_every_op_comes_back(row: Row) -> None:
    shape = "x".join(map(str, row.x))
    plan = loads(
        f"name: a\ninput: {shape}\nunit: conv\nnet: {{a: [{row.label}]}}"
    )
    try:
        found = from_module(plan.module(), plan.input).plan
    except ImportRefused as refused:
        said = [why for op, why in NOT_READ.items() if op in row.label]
        assert said and said[0] in str(refused), str(refused)
    else:
        assert same(plan, found) == (row.label not in SAID_OTHERWISE)


NAMES = sorted({path.stem for path in SPECS.glob("*.yaml")} - {*LARGE})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["py", "pt2"])
def test_every_net_of_the_zoo_comes_back(
    name: str, form: str, tmp_path: Path
) -> None:
    plan = load(SPECS / f"{name}.yaml")

    def imported() -> Imported:
        if form == "py":
            shapes = plan.input if len(plan.inputs) == 1 else plan.inputs
            return from_module(plan.module(), shapes)
        file = tmp_path / "net.pt2"
        file.write_bytes(plan.to("pt2"))
        return from_model(str(file))

    assert closes(plan, imported()) == (name not in UNLIKE)


ONNX = {
    "digits": 2e-6, "cifar-resnet": 2e-6, "mobilenet-v3": 2e-6, "densenet": 2e-6,
    "convnext": 1e-5, "resnet-gn": 1e-5, "shufflenet-v2": 1e-5, "srresnet": 1e-5,
}  # fmt: skip
"""In what onnxruntime's float32 comes out within: batch norms are folded, so graphs are not
compared."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ONNX)
def test_onnx_of_ours_comes_back(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    plan, file = load(SPECS / f"{name}.yaml"), tmp_path / "net.onnx"
    torch.manual_seed(0)
    file.write_bytes(plan.to("onnx"))
    found = from_model(str(file))
    assert (
        found.proof.output is not None and found.proof.output <= ONNX[name]
    )
    assert (found.plan.macs, found.plan.output) == (plan.macs, plan.output)
