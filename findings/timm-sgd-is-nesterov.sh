#!/usr/bin/env bash
# timm 1.0.31: the optimizer "sgd" is SGD with Nesterov's momentum, of create_optimizer_v2 as of the training script;
# plain momentum is called "momentum". One would have guessed torch's SGD(momentum=0.9), whose `nesterov` is False, or
# that what changes each step is in the name: a recipe that says "SGD, momentum 0.9" and was run by timm is another than
# the same line run by torch, from the first step on, where Nesterov's is 1.9 times as long. The two are alike in their
# names, their groups and all else that is logged.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip"
"$pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 pyyaml==6.0.3 safetensors==0.7.0 huggingface_hub==1.18.0
"$pip" install -q --no-deps timm==1.0.31 torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm
from timm.optim import create_optimizer_v2


def steps(make):
    """Where a weight is after each step along a gradient of 1, and whether by Nesterov."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    optimizer = make(layer)
    assert type(optimizer) is torch.optim.SGD
    found = []
    for _ in range(3):
        layer.weight.grad = torch.ones(1, 1)
        optimizer.step()
        found.append(round(layer.weight.item(), 4))
    return found, optimizer.param_groups[0]["nesterov"]


made = {
    "torch SGD": steps(lambda net: torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)),
    "timm sgd": steps(lambda net: create_optimizer_v2(net, "sgd", lr=0.1, momentum=0.9)),
    "timm momentum": steps(lambda net: create_optimizer_v2(net, "momentum", lr=0.1, momentum=0.9)),
}
print("timm", timm.__version__, "torch", torch.__version__)
for name, (found, nesterov) in made.items():
    print(f"{name:14} nesterov {nesterov!s:6}", found)
assert made["timm momentum"] == made["torch SGD"] == ([-0.1, -0.29, -0.561], False)
assert made["timm sgd"] == ([-0.19, -0.461, -0.8049], True), "this has changed"
PY
