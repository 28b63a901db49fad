#!/usr/bin/env bash
# torch 2.13.0: torch.onnx.export writes nn.Softplus() as three nodes: ONNX's own Softplus, a comparison with 20 and a Where between
# the two, since torch returns x itself above its threshold. Both are equal there in float32, so the branch changes no number, and
# ONNX's word alone would do. One would have guessed one node, as for Sigmoid, Mish or HardSwish, each of which is one. A reader of
# graphs sees a net that branches on its data.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2
cat > "$work/seen.py" <<'PY'
import io

import onnx
import torch
from torch import nn


def nodes(layer):
    file = io.BytesIO()
    torch.onnx.export(layer.eval(), (torch.rand(1, 4),), file, dynamo=True, verbose=False)
    return [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]


print("torch", torch.__version__)
seen = {type(layer).__name__: nodes(layer) for layer in (nn.Softplus(), nn.Sigmoid(), nn.Mish(), nn.Hardswish())}
for name, found in seen.items():
    print(f"{name:10}", *found)
x = torch.linspace(-40, 40, 100_001)
assert torch.equal(nn.functional.softplus(x, threshold=20), nn.functional.softplus(x, threshold=1e9))
assert {"Softplus", "Where"} < set(seen["Softplus"]), "this has changed"
assert all(len(found) == 1 for name, found in seen.items() if name != "Softplus"), "this has changed"
PY
"$work/venv/bin/python" -W ignore "$work/seen.py" 2>/dev/null
