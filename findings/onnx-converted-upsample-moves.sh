#!/usr/bin/env bash
# onnx 1.23.2: the version converter writes a linear Upsample of opset 9, or a Resize of 10, as a Resize without
# `coordinate_transformation_mode`, whose default since opset 11 is `half_pixel`; before it onnxruntime has a pixel at
# its number over the scale, which that attribute calls `asymmetric`. The converted file is valid and gives another
# picture, moved by a part of a pixel. One would have guessed that a converter keeps what is computed, or refuses: a
# decoder's or an FPN's logits change by a new number in the header. Setting the attribute on the converted node puts
# it right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper, version_converter

x = np.array([0, 4, 8], np.float32).reshape(1, 1, 1, 3)


def run(model):
    checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].ravel().tolist()


def seen(op, opset):
    scales = numpy_helper.from_array(np.array([1, 1, 1, 2], np.float32), "scales")
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "scales"], ["y"], mode="linear")],
        "twice_as_wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 1, 6])],
        [scales],
    )
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    new = version_converter.convert_version(old, 18)
    before, after = run(old), run(new)
    (resize,) = (node for node in new.graph.node if node.op_type == "Resize")
    assert "coordinate_transformation_mode" not in [each.name for each in resize.attribute], "this has changed"
    resize.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
    return before, after, run(new)


print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
for op, opset in (("Upsample", 9), ("Resize", 10)):
    before, after, put_right = seen(op, opset)
    print(op, opset, before, "converted to 18", after, "with the attribute", put_right)
    assert before == put_right == [0, 2, 4, 6, 8, 8] and after == [0, 1, 3, 5, 7, 8], "this has changed"
PY
