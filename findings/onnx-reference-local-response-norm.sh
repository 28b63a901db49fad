#!/usr/bin/env bash
# onnx 1.23.2: the reference evaluator's LRN normalizes as many channels as the batch has images and leaves the rest as
# they were: it counts along the wrong axis. With one image only the first channel is divided; with as many images as
# channels all is right. onnxruntime and torch agree on the definition. One would have guessed that a reference is what
# the others are measured by: an exported AlexNet or GoogLeNet is right and fails against it, by as much as the batch is
# small; with AlexNet's alpha of 1e-4 by little, which tempts one to raise the tolerance.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 torch==2.13.0
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def both(op, opset, x, weights=(), **attributes):
    """By the reference and by onnxruntime."""
    names = [f"w{number}" for number in range(len(weights))]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
        [numpy_helper.from_array(weight, name) for weight, name in zip(weights, names)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return ReferenceEvaluator(model).run(None, {"x": x})[0], session.run(None, {"x": x})[0]


draw = np.random.default_rng(0)


def floats(*shape):
    return draw.normal(size=shape).astype(np.float32)


print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)

import torch
from torch.nn import functional as F

for images in (1, 3, 5):
    x = np.ones((images, 5, 1, 1), dtype=np.float32)
    reference, runtime = both("LRN", 13, x, size=3, alpha=3.0, beta=1.0, bias=1.0)
    by_torch = F.local_response_norm(torch.from_numpy(x), 3, 3.0, 1.0, 1.0).numpy()
    # 1 / (1 + squares) in this setting
    squares = [(1 / each[0].ravel() - 1).round(3).tolist() for each in (reference, runtime, by_torch)]
    print(images, "images, squares that each of five channels is divided by: reference, onnxruntime, torch", *squares)
    assert squares[1] == squares[2] == [2, 3, 3, 3, 2], "this has changed"
    assert squares[0] == [*squares[1][:images], *[0] * (5 - images)], "this has changed"
PY
