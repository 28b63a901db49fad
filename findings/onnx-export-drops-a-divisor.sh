#!/usr/bin/env bash
# torch 2.13.0: torch.onnx.export writes AvgPool2d(2, divisor_override=1), which is a sum over windows, as ONNX's
# AveragePool, which has no such argument, and leaves the argument out: the file's numbers are a quarter. So it is with
# dynamo and without, and for volumes. One would have guessed a product behind the pool, or an error, as for what ONNX
# lacks besides: torch.export's program of the same net is right, so that only a run of the file shows it. F.avg_pool2d
# times the number of cells of a window comes through.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1
"$work/venv/bin/python" -W ignore - "$work/net.onnx" <<'PY'
import sys

import onnx
import onnxruntime
import torch
from torch import nn


class Product(nn.Module):
    def forward(self, x):
        return nn.functional.avg_pool2d(x, 2) * 4


def of_ones(net, dynamo, axes=2):
    """Of a map of ones: torch's number, that of torch.export's program, the file's in onnxruntime, and its ops."""
    x = torch.ones(1, 1, *[4] * axes)
    torch.onnx.export(net.eval(), (x,), sys.argv[1], dynamo=dynamo, verbose=False)
    session = onnxruntime.InferenceSession(sys.argv[1])
    given = {session.get_inputs()[0].name: x.numpy()}
    results = net(x), torch.export.export(net, (x,)).module()(x), session.run(None, given)[0]
    ops = [node.op_type for node in onnx.load(sys.argv[1]).graph.node if node.op_type != "Constant"]
    return [float(result.max()) for result in results], ops


print("torch", torch.__version__, "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
for dynamo in (True, False):
    seen = of_ones(nn.AvgPool2d(2, divisor_override=1), dynamo), of_ones(nn.AvgPool3d(2, divisor_override=1), dynamo, 3)
    product = of_ones(Product(), dynamo)
    print("dynamo" if dynamo else "without", *seen, "as a product", product)
    assert seen == (([4.0, 4.0, 1.0], ["AveragePool"]), ([8.0, 8.0, 1.0], ["AveragePool"])), "this has changed"
    assert product[0] == [4.0, 4.0, 4.0]
PY
