"""One node of an .onnx file by itself, as other exporters than torch's write it: what comes back is
proven against onnxruntime, and what the language has no word for is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402

from resgraph.importing import ImportRefused, from_model  # noqa: E402

FLOAT = onnx.TensorProto.FLOAT
MAP, ODD, ROWS = (2, 4, 8, 8), (2, 4, 7, 7), (2, 4)


def node(op: str, **options: Any) -> tuple[str, dict[str, Any]]:
    return op, options


def saved(
    path: Path,
    said: tuple[str, dict[str, Any]],
    sizes: tuple[int, ...],
    weights: tuple[tuple[int, ...], ...] = (),
    opset: int = 18,
) -> Path:
    """A file of one node that reads `x` of these sizes and weights of those."""
    op, options = said
    torch.manual_seed(0)
    names = [f"w{place}" for place in range(len(weights))]
    numbers = [
        helper.make_tensor(name, FLOAT, size, torch.randn(size).flatten().tolist())
        for name, size in zip(names, weights, strict=True)
    ]  # fmt: skip
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], ["y"], **options)], "net",
        [info("x", FLOAT, sizes)], [info("y", FLOAT, None)], numbers,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=9), path
    )
    return path


KERNEL = {"kernel_shape": [3, 3], "strides": [2, 2]}
HALVED = {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
READ: dict[str, tuple[Any, ...]] = {
    "3x3 conv 6": (node("Conv", auto_pad="SAME_LOWER"), MAP, ((6, 4, 3, 3),)),
    "3x3 conv 6 /2": (node("Conv", **HALVED), MAP, ((6, 4, 3, 3),)),
    "3x3 max pool /2": (
        node("MaxPool", auto_pad="SAME_UPPER", **KERNEL),
        ODD,
    ),
    "3x3 avg pool /2 inner": (
        node("AveragePool", auto_pad="SAME_LOWER", **KERNEL),
        ODD,
    ),
    "3x3 up conv 6": (
        node("ConvTranspose", auto_pad="SAME_UPPER"),
        MAP,
        ((4, 6, 3, 3),),
    ),
    "fc 6": (node("Gemm"), ROWS, ((4, 6), (6,))),
    "fc 5": (node("Gemm"), ROWS, ((4, 5),)),
    "gn 2": (node("GroupNormalization", num_groups=2), MAP, ((4,), (4,)), 21),
    "elu": (node("Elu"), MAP),
    "celu": (node("Celu"), MAP),
    "selu": (node("Selu"), MAP),
    "softplus": (node("Softplus"), MAP),
    "softmax": (node("Softmax"), ROWS, (), 11),
}  # fmt: skip
"""The layer in our words → the node, what comes in, weights and opset."""


@pytest.mark.parametrize("word", READ)
def test_read(tmp_path: Path, word: str) -> None:
    found = from_model(str(saved(tmp_path / "net.onnx", *READ[word])))
    assert f": {word}\n" in found.text
    assert found.proof.output is not None and found.proof.output < 1e-5


REFUSED: dict[str, tuple[Any, ...]] = {
    "over several axes at once, as before opset 13": (
        node("Softmax"),
        MAP,
        (),
        11,
    ),
    "with a scale of each group": (
        node("GroupNormalization", num_groups=2),
        MAP,
        ((2,), (2,)),
    ),
    "with `alpha` 2.0; the language has 1": (node("Elu", alpha=2.0), MAP),
    "with factors": (node("Gemm", alpha=2.0), ROWS, ((4, 6),)),
    "it pads one side more than the other": (
        node("AveragePool", auto_pad="SAME_UPPER", **KERNEL),
        MAP,
    ),
}
"""What is said → the node."""


@pytest.mark.parametrize("said", REFUSED)
def test_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_model(str(saved(tmp_path / "net.onnx", *REFUSED[said])))


def test_enlarged_between_corners(tmp_path: Path) -> None:
    """As TensorFlow did it before its second version; torch has no such interpolation."""
    x = helper.make_tensor_value_info("x", FLOAT, MAP)
    y = helper.make_tensor_value_info("y", FLOAT, None)
    scales = helper.make_tensor("scales", FLOAT, [4], [1, 1, 2, 2])
    mode = "asymmetric"
    resize = helper.make_node(
        "Resize", ["x", "", "scales"], ["y"],
        mode="linear", coordinate_transformation_mode=mode,
    )  # fmt: skip
    graph = helper.make_graph([resize], "net", [x], [y], [scales])
    file = tmp_path / "net.onnx"
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=9), file
    )
    with pytest.raises(ImportRefused, match="cells that lie at their corn"):
        from_model(str(file))
