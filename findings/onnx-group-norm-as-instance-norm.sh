#!/usr/bin/env bash
# torch 2.13.0 (torch.onnx.export, dynamo, opset 18): a GroupNorm becomes Reshape, InstanceNormalization with scales of 1
# and shifts of 0, Reshape, Mul, Add, though ONNX has had an op GroupNormalization since opset 18. One would have guessed
# that op: who counts or looks for group norms in a file finds none, and the weights are operands of a product.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2
"$work/venv/bin/python" - <<'PY'
import torch

net = torch.nn.GroupNorm(2, 8).eval()
made = torch.onnx.export(net, (torch.randn(2, 8, 4, 4),), dynamo=True, opset_version=18, verbose=False)
ops = [node.op_type for node in made.model_proto.graph.node]
print("torch", torch.__version__, ops)
assert "InstanceNormalization" in ops and "GroupNormalization" not in ops, "this has changed"
PY
