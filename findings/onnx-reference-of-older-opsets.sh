#!/usr/bin/env bash
# onnx 1.23.2: the reference evaluator knows opsets by their number and still runs two ops of older ones by newer or
# other rules. Softmax of opset 11 (one sum over all axes from `axis` on) is computed as that of 13 (each row by
# itself), and BatchNormalization of opset 9 to 13, which in inference reads the stored mean and variance alone, mixes
# in those of the batch by `momentum`. onnxruntime has both by the book. One would have guessed that what chooses the
# version of an op computes that version: files of the years before 2021 (many of the model zoo's) seem to be run
# wrongly by everything else.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1
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

x = floats(2, 3, 4)
reference, runtime = (each.sum(axis=(1, 2)) for each in both("Softmax", 11, x))
print("Softmax of opset 11: the sum of a sample is", reference, "and", runtime)
assert np.allclose(reference, 3) and np.allclose(runtime, 1), "this has changed"
x = floats(2, 3, 4, 4)
scale, shift, mean = floats(3), floats(3), floats(3)
variance = np.abs(floats(3)) + 0.5
column = (None, slice(None), None, None)
right = (x - mean[column]) / np.sqrt(variance[column] + 1e-5) * scale[column] + shift[column]
for opset in (9, 13, 15):
    reference, runtime = both("BatchNormalization", opset, x, (scale, shift, mean, variance))
    apart = [float(np.abs(each - right).max()) for each in (reference, runtime)]
    print("BatchNormalization of opset", opset, "is apart from its definition by", *apart)
    assert apart[1] < 1e-5 and (apart[0] < 1e-5) == (opset == 15), "this has changed"
PY
