#!/usr/bin/env bash
# onnx2torch 1.5.15: Resize by mode "linear" with coordinate_transformation_mode "asymmetric", as TensorFlow's old
# resize_bilinear is exported, is converted in silence to torch's interpolate with half-pixel centres: the map has the
# right shape and is moved by a quarter of a pixel at a factor of 2. Other modes that it doesn't know are refused with
# NotImplementedError. One would have guessed that this one, for which torch has no interpolation, would be too;
# segmentation nets lose their edges' place.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 torch==2.13.0 pillow==12.2.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0 onnx2torch==1.5.15
"$work/venv/bin/python" - <<'PY'
import torch

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")

import numpy as np
import onnx
import onnx2torch
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def rows(mode):
    """A ramp 0, 1, 2, 3 enlarged twice: by onnxruntime and by what the conversion makes."""
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4).repeat(2, axis=2)
    graph = helper.make_graph(
        [helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="linear", coordinate_transformation_mode=mode)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 1, 4, 8))],
        [numpy_helper.from_array(np.array([1, 1, 2, 2], dtype=np.float32), "scales")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    converted = onnx2torch.convert(model)(torch.from_numpy(x)).numpy()
    return [each[0, 0, 0].tolist() for each in (session.run(None, {"x": x})[0], converted)]


seen = {mode: rows(mode) for mode in ("half_pixel", "asymmetric")}
for mode, (runtime, converted) in seen.items():
    print(f"{mode:10} onnxruntime {runtime} onnx2torch {converted}")
assert seen["half_pixel"][0] == seen["half_pixel"][1] == seen["asymmetric"][1], "this has changed"
assert seen["asymmetric"][0] == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3], "this has changed"
PY
