#!/usr/bin/env bash
# onnxruntime 1.31.1 makes a Pad of zeros the padding of the MaxPool that reads it, which by ONNX counts as less than any
# number: what is below zero at the border comes out, where zero is right. It does so by default, on a valid model. One
# would have guessed that an optimization at its default level changes no result.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

print("onnxruntime", onnxruntime.__version__)
pads = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64), "pads")
graph = helper.make_graph(
    [
        helper.make_node("Pad", ["x", "pads"], ["padded"], mode="constant"),
        helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[3, 3], strides=[2, 2]),
    ],
    "pad_then_pool",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 2, 2])],
    [pads],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
checker.check_model(model, full_check=True)
seen = {}
for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_ALL"):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    seen[level] = session.run(None, {"x": -np.ones((1, 1, 4, 4), np.float32)})[0].ravel().tolist()
    print(level, seen[level])
assert seen["ORT_DISABLE_ALL"] == [0, 0, 0, -1], "this has changed"
assert seen["ORT_ENABLE_BASIC"] == seen["ORT_ENABLE_ALL"] == [-1, -1, -1, -1], "this has changed"
PY
