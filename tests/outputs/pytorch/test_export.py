"""What `resgraph export` writes: the same outputs as the module, for any batch, with what one must know to use it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

import resgraph
from resgraph.errors import UsageError
from resgraph.outputs.pytorch import export as exporting
from resgraph.outputs.pytorch.export import export
from resgraph.outputs.pytorch.fold import fold

SPECS = Path(__file__).parents[3] / "specs"
DIGITS = SPECS / "digits.yaml"
PREPROCESSING = {
    "shape": [1, 8, 8],
    "normalize": {"scale": [[[0.5]]], "offset": [[[1.0]]]},
}
ODD = {  # nets of one thing each that an exporter may stumble over
    "part": "a: {first: part 0 of 2, body: [first, 3x3 conv 8], merge: concat(body first)}",
    "pools": "a: [3x3 max pool /2, avg pool /2 ceil, avg pool to 2x2, global max pool, fc 8 relu]",
    "norms": "a: [3x3 conv 16, ln, gn 4, drop path 0.1, dropout 0.1, scale 0.1]",
    "zero pad": "a: basic 32 /2 shortcut zero-pad",
    "zero pad around": "a: basic 32 /2 shortcut zero-pad centered",
    "pad and pool": "a: [input*input, scale -1, pad 1, 3x3 max pool /2 pad 0, flatten, fc 3]",
    "rearranged": "a: [space to depth 2, shuffle 4, depth to space 2, upsample 2, pad 1]",
}


def onnxruntime() -> ModuleType:
    pytest.importorskip(
        "onnxscript",
        reason="ONNX is an extra: pip install 'resgraph[onnx]'",
    )
    module: ModuleType = pytest.importorskip(
        "onnxruntime", reason="to check ONNX: pip install 'resgraph[onnx]'"
    )
    return module


@pytest.fixture(scope="module")
def digits() -> resgraph.Plan:
    return resgraph.load(DIGITS)


@pytest.fixture(scope="module")
def state(digits: resgraph.Plan) -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    net = digits.module()
    with torch.no_grad():
        # so that the norms have statistics
        net(torch.randn(64, *digits.input))
    return net.state_dict()


def outputs(
    of: resgraph.Plan, state: dict[str, torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    net = of.module()
    net.load_state_dict(state)
    with torch.no_grad():
        found: torch.Tensor = net.eval()(images)
    return found


@pytest.mark.parametrize("folded", [False, True])
def test_safetensors_are_the_weights_with_their_facts(
    digits: resgraph.Plan,
    state: dict[str, torch.Tensor],
    folded: bool,
    tmp_path: Path,
) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(
        export(
            digits,
            "safetensors",
            state,
            preprocessing=PREPROCESSING,
            fold_norms=folded,
        )
    )
    wanted = fold(digits, state)[1] if folded else state
    found = load(file.read_bytes())
    assert found.keys() == wanted.keys()
    assert all(
        torch.equal(found[name], value) for name, value in wanted.items()
    )
    with safe_open(file, "pt") as opened:
        facts = opened.metadata()
    assert (facts["net"], facts["input"], facts["output"]) == (
        "ResNet-8 for digits",
        "1x8x8",
        "10",
    )
    assert json.loads(facts["preprocessing"]) == PREPROCESSING


@pytest.mark.parametrize("folded", [False, True])
def test_pt2_computes_the_same_for_any_batch(
    digits: resgraph.Plan, state: dict[str, torch.Tensor], folded: bool
) -> None:
    content = export(
        digits, "pt2", state, preprocessing=PREPROCESSING, fold_norms=folded
    )
    extra = {"resgraph.json": ""}
    program = torch.export.load(io.BytesIO(content), extra_files=extra)
    for batch in (1, 5):
        images = torch.randn(batch, *digits.input)
        torch.testing.assert_close(
            program.module()(images),
            outputs(digits, state, images),
            rtol=1e-5,
            atol=1e-5,
        )
    facts = json.loads(extra["resgraph.json"])
    assert facts["input"] == "1x8x8"
    assert json.loads(facts["preprocessing"]) == PREPROCESSING
    assert (
        any(
            "batch_norm" in str(node.target) for node in program.graph.nodes
        )
        != folded
    )


@pytest.mark.parametrize("folded", [False, True])
def test_onnx_computes_the_same_for_any_batch(
    digits: resgraph.Plan, state: dict[str, torch.Tensor], folded: bool
) -> None:
    runtime = onnxruntime()
    content = export(
        digits,
        "onnx",
        state,
        preprocessing=PREPROCESSING,
        fold_norms=folded,
    )
    session = runtime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    (into,), (out,) = session.get_inputs(), session.get_outputs()
    assert (into.name, into.shape, out.name, out.shape) == (
        "images",
        ["batch", 1, 8, 8],
        "logits",
        ["batch", 10],
    )
    for batch in (1, 5):
        images = torch.randn(batch, *digits.input)
        (found,) = session.run(None, {"images": images.numpy()})
        torch.testing.assert_close(
            torch.from_numpy(found),
            outputs(digits, state, images),
            rtol=1e-5,
            atol=1e-5,
        )
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["net"] == "ResNet-8 for digits"
    assert json.loads(facts["preprocessing"]) == PREPROCESSING


def odd(*rows: str) -> resgraph.Plan:
    lines = [
        f"  {name}{row[1:]}"
        for name, row in zip("abcdefg", rows, strict=False)
    ]
    return resgraph.loads(
        "\n".join(["name: odd", "input: 16x16x16", "net:", *lines])
    )


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD)
def test_odd_nets(rows: str) -> None:
    """`export` itself compares what it made with the module, for two batch sizes."""
    assert export(odd(rows), "pt2")


def test_odd_nets_as_onnx() -> None:
    """At once: each begins with a second of torch's own."""
    onnxruntime()
    last = ("pools", "pad and pool")  # they end with a vector
    spatial = [rows for name, rows in ODD.items() if name not in last]
    for ending in last:
        assert export(odd(*spatial, ODD[ending]), "onnx")
        spatial = []


def test_weights_follow_from_the_seed_and_disturb_nobody(
    digits: resgraph.Plan,
) -> None:
    before = torch.random.get_rng_state()
    one, same, other = (
        export(digits, "safetensors", seed=seed) for seed in (1, 1, 2)
    )
    assert one == same != other
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_disagrees_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    onnxruntime()
    plan = resgraph.loads(
        "name: t\ninput: 1x8x8\nnet: {a: [flatten, fc 10]}"
    )
    monkeypatch.setattr(
        exporting,
        "_session",
        lambda content, names: lambda images: torch.ones(len(images), 10),
    )
    with pytest.raises(
        UsageError, match=r"what torch\.onnx made of the net is off by"
    ):
        export(plan, "onnx")


def test_too_large_for_onnx(
    digits: resgraph.Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnxruntime()
    monkeypatch.setattr(exporting, "_LARGEST", 1000)
    with pytest.raises(UsageError, match="2 GB at most"):
        export(digits, "onnx")
