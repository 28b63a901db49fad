#!/usr/bin/env bash
# torch 2.13.0: torch.onnx.export folds a BatchNorm in eval mode into the conv before it, and the product is written
# under the conv's own name: the initializer `conv.weight` has the shape of `state_dict()["conv.weight"]` and other
# numbers. One would have guessed that a name of `state_dict` means that tensor, or that what is made new gets a new
# name, as without dynamo: who compares a file with a net by names, or fills one, finds a conv that fits, and applies
# each norm twice. `optimize=False` keeps both the norms and the weights.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2
"$work/venv/bin/python" -W ignore - "$work/net.onnx" <<'PY'
import sys
from collections import OrderedDict

import onnx
import torch
from torch import nn

net = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3, bias=False), norm=nn.BatchNorm2d(4))).eval()
nn.init.constant_(net.norm.weight, 2.0)
trained = net.conv.weight.detach()
seen = {}
for how, options in {
    "default": {"dynamo": True},
    "not optimized": {"dynamo": True, "optimize": False},
    "without dynamo": {"dynamo": False},
}.items():
    torch.onnx.export(net, (torch.zeros(1, 3, 8, 8),), sys.argv[1], verbose=False, **options)
    graph = onnx.load(sys.argv[1]).graph
    written = {each.name: torch.from_numpy(onnx.numpy_helper.to_array(each).copy()) for each in graph.initializer}
    found = written.get("conv.weight")
    seen[how] = "no such name" if found is None else round((found.norm() / trained.norm()).item(), 3)
print("torch", torch.__version__, "onnx", onnx.__version__)
print("of the file's conv.weight to the net's, the norms are as", seen)
assert seen == {"default": 2.0, "not optimized": 1.0, "without dynamo": "no such name"}, "this has changed"
PY
