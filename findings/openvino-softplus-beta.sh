#!/usr/bin/env bash
# openvino 2026.4.1: convert_model of a torch module with an example, which traces it, takes every Softplus for that of
# beta = 1: Softplus(beta=100), as nets of distance fields and density have it, is 0.31 at -1 for 0, and 0.69 at 0 for
# 0.007. One would have guessed that an argument which is not carried over is refused, or that the two ways into the one
# format agree: of torch.export's program, and of an ONNX file, the same layer is right. Shapes are right, and so is all
# else of the net. A product with beta before a plain Softplus, and one with its inverse behind it, comes through.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 openvino==2026.4.1 packaging==26.4
"$work/venv/bin/python" -W ignore - <<'PY'
import importlib.metadata

import openvino
import torch
from torch import nn

x = torch.tensor([[-1.0, -0.1, 0.0, 0.1, 1.0]])


class Scaled(nn.Module):
    def forward(self, x):
        return nn.functional.softplus(x * 100) / 100


def off(model, net):
    """How far the converted net is from torch's, at most."""
    run = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return round((torch.from_numpy(run([x.numpy()])[0]) - net(x)).abs().max().item(), 3)


def both(net):
    traced = openvino.convert_model(net, example_input=x)
    return off(traced, net), off(openvino.convert_model(torch.export.export(net, (x,))), net)


print("openvino", importlib.metadata.version("openvino"), "torch", torch.__version__)
seen = {name: both(net.eval()) for name, net in {
    "beta = 1": nn.Softplus(), "beta = 2": nn.Softplus(2), "beta = 100": nn.Softplus(100), "scaled": Scaled()
}.items()}
print("off by at most: traced, exported", seen)
assert seen["beta = 1"] == seen["scaled"] == (0.0, 0.0)
assert seen["beta = 2"] == (0.347, 0.0) and seen["beta = 100"] == (0.686, 0.0), "this has changed"
PY
