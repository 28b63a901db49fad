#!/usr/bin/env bash
# ptflops 0.7.5: get_model_complexity_info has two backends that count differently under one name, "MACs". "pytorch"
# adds the elements of ReLU, batch norms and pools as multiply-adds, so that ResNet-50 has 4.13 G; "aten" counts
# convolutions and matrix products alone, 4.09 G, which are the paper's and torchvision's. One would have guessed that a
# backend is a way to see the same number: two tables made with one tool differ by 1 % for ResNet-50 and by more for
# nets of cheap convolutions (here 8 % for MobileNetV3-small).
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/pip" install -q --no-deps ptflops==0.7.5
"$work/venv/bin/python" - <<'PY'
import contextlib
import io
import warnings

import torch

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import torchvision
from ptflops import get_model_complexity_info

def counted(name, backend):
    net = torchvision.models.get_model(name)
    with contextlib.redirect_stdout(io.StringIO()):
        macs, _ = get_model_complexity_info(
            net, (3, 224, 224), as_strings=False, print_per_layer_stat=False, backend=backend
        )
    return macs

seen = {
    name: [counted(name, backend) for backend in ("aten", "pytorch")] for name in ("resnet50", "mobilenet_v3_small")
}
for name, (aten, pytorch) in seen.items():
    print(f"{name:20} aten {aten:,} pytorch {pytorch:,} {pytorch / aten:.3f}")
assert seen["resnet50"] == [4089185256, 4132436968], "this has changed"

assert seen["mobilenet_v3_small"] == [56515312, 60910032], "this has changed"
PY
