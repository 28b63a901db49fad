#!/usr/bin/env bash
# torch 2.13.0, onnx 1.23.2: torch.onnx.export without dynamo writes `x.chunk(2, 1)` of a map whose size is fixed as
# eight nodes that work out where the parts end (Shape, Gather, Add, Div, and Mul and Slice for each part), while
# `x.split(4, 1)`, which gives the same, is one Split; so is either with dynamo. One would have guessed that a size
# that is known at export is a number in the file: who reads YOLO's blocks from ONNX has to fold whole numbers first.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2
"$work/venv/bin/python" -W ignore - "$work/net.onnx" <<'PY'
import sys

import onnx
import torch


class Halves(torch.nn.Module):
    def __init__(self, chunked: bool) -> None:
        super().__init__()
        self.chunked = chunked

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, two = x.chunk(2, 1) if self.chunked else x.split(4, 1)
        return one * two


seen = {}
for chunked in (True, False):
    for dynamo in (False, True):
        torch.onnx.export(Halves(chunked), (torch.zeros(1, 8, 4, 4),), sys.argv[1], dynamo=dynamo, verbose=False)
        nodes = onnx.load(sys.argv[1]).graph.node
        seen[chunked, dynamo] = [node.op_type for node in nodes if node.op_type != "Constant"]
print("torch", torch.__version__, "onnx", onnx.__version__)
for (chunked, dynamo), ops in seen.items():
    print("chunk" if chunked else "split", "dynamo" if dynamo else "without", *ops)
assert seen == {
    (True, False): ["Shape", "Gather", "Add", "Div", "Mul", "Slice", "Mul", "Slice", "Mul"],
    (True, True): ["Split", "Mul"],
    (False, False): ["Split", "Mul"],
    (False, True): ["Split", "Mul"],
}, "this has changed"
PY
