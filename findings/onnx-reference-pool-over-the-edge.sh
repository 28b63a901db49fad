#!/usr/bin/env bash
# onnx 1.23.2: the reference evaluator gives wrong averages for an AveragePool with ceil_mode whose last window reaches
# two or more over the edge: it pads half of that in front and half behind, so that all windows are shifted, the first
# too, which lies within the image. onnxruntime and torch agree on the right ones. One would have guessed that a
# reference is what the others are to be measured by: a right export fails against it, by far more than a tolerance.
# MaxPool is right, and so is a window that reaches over by one, so that a test with an even size and stride 2 shows
# nothing.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from torch.nn import functional as F


def pooled(op, size, kernel, stride):
    """A row of numbers from 1, by the reference, by onnxruntime and by torch."""
    x = np.arange(1, size + 1, dtype=np.float32).reshape(1, 1, size)
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], kernel_shape=[kernel], strides=[stride], ceil_mode=1)],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "c", "l"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    by_torch = {"AveragePool": F.avg_pool1d, "MaxPool": F.max_pool1d}[op]
    found = (
        ReferenceEvaluator(model).run(None, {"x": x})[0],
        session.run(None, {"x": x})[0],
        by_torch(torch.from_numpy(x), kernel, stride, ceil_mode=True).numpy(),
    )
    return [each.ravel().tolist() for each in found]


print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__, "torch", torch.__version__)
over_by_two, over_by_one = pooled("AveragePool", 4, 3, 3), pooled("AveragePool", 5, 3, 3)
largest = pooled("MaxPool", 4, 3, 3)
print("average over by 2", *over_by_two)
print("average over by 1", *over_by_one)
print("max over by 2    ", *largest)
assert over_by_two == [[1.5, 3.0], [2.0, 4.0], [2.0, 4.0]], "this has changed"
assert over_by_one == [[2.0, 4.5]] * 3 and largest == [[3.0, 4.0]] * 3, "this has changed"
PY
