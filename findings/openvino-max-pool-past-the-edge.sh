#!/usr/bin/env bash
# openvino 2026.4.1: a MaxPool with ceil_mode of an ONNX file as torch 2.13.0 exports it (opset 20) gets a row and a
# column more than torch gives it where the last window would start behind the image, and what is in them is -3.4e38,
# the largest of nothing. A 5×5 map behind MaxPool2d(2, 2, padding=1, ceil_mode=True) is 4×4 there and 3×3 in torch, in
# onnxruntime and by the shape that the file itself states; converted from the torch module it is 3×3 in OpenVINO too.
# One would have guessed that a stated shape is what comes out, or an error: behind a mean over the map all logits are
# huge, and a map of 6×6 is right to the last digit. AveragePool is right for all.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1 openvino==2026.4.1
"$work/venv/bin/python" -W ignore - "$work/net.onnx" <<'PY'
import importlib.metadata
import sys

import onnx
import onnxruntime
import openvino
import torch
from torch import nn

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def maps(pool, size):
    """Shapes by torch, by the file, by onnxruntime and by OpenVINO of module and file; the least of the last."""
    x = torch.arange(1.0, size**2 + 1).reshape(1, 1, size, size)
    torch.onnx.export(pool.eval(), (x,), sys.argv[1], verbose=False)
    session = onnxruntime.InferenceSession(sys.argv[1])
    stated = onnx.load(sys.argv[1]).graph.output[0].type.tensor_type.shape.dim
    module = openvino.compile_model(openvino.convert_model(pool, example_input=x), "CPU", EXACT)([x.numpy()])[0]
    file = openvino.compile_model(openvino.convert_model(sys.argv[1]), "CPU", EXACT)([x.numpy()])[0]
    run = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    shapes = pool(x).shape[2], stated[2].dim_value, run.shape[2], module.shape[2], file.shape[2]
    return shapes, float(file.min())


print("openvino", importlib.metadata.version("openvino"), "onnx", onnx.__version__, "torch", torch.__version__)
options = {"padding": 1, "ceil_mode": True}
seen = {
    (kind.__name__, size): maps(kind(2, 2, **options), size)
    for kind in (nn.MaxPool2d, nn.AvgPool2d)
    for size in (5, 6)
}
for (kind, size), found in seen.items():
    print(kind, "of", size, "torch, stated, onnxruntime, module, file:", *found)
assert seen["MaxPool2d", 5] == ((3, 3, 3, 3, 4), -3.4028234663852886e38), "this has changed"
assert seen["MaxPool2d", 6] == ((4, 4, 4, 4, 4), 1.0)
assert seen["AvgPool2d", 5][0] == (3, 3, 3, 3, 3) and seen["AvgPool2d", 6][0] == (4, 4, 4, 4, 4)
PY
