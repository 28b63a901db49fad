#!/usr/bin/env bash
# torchinfo 1.8.0: "Total mult-adds" takes each weight of a linear layer once per image, however many tokens the layer
# is applied to; only for a conv does it multiply by the size of the output. ViT-B/16 has 0.17 G of them there, 17.6 G
# by torch's own counter; Swin-T 0.03 G of 4.5, and ConvNeXt-T, a conv net whose 1×1 convs are linear layers, 0.32 G of
# 4.5. One would have guessed that a count that is right for ResNet-18 is one to compare others by: the transformer
# looks ten times as cheap.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 torchinfo==1.8.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import torchinfo
from torchvision import models


def by_torchinfo(net, x):
    return torchinfo.summary(net, input_data=x, verbose=0).total_mult_adds


def by_torch(net, x):
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net(x)
    return counter.get_total_flops() / 2


one, many = (by_torchinfo(torch.nn.Linear(8, 8), torch.zeros(1, tokens, 8)) for tokens in (1, 1000))
image = torch.zeros(1, 3, 224, 224)
seen = {}
for name in ("resnet18", "convnext_tiny", "swin_t", "vit_b_16"):
    net = models.get_model(name, weights=None).eval()
    seen[name] = by_torchinfo(net, image), by_torch(net, image)
print("torchinfo", torchinfo.__version__, "a linear layer of 1 token, of 1000:", one, many)
for name, (info, torch_) in seen.items():
    print(f"{name:14} {info / 1e9:6.3f} G, by torch {torch_ / 1e9:6.3f} G")
ratio = {name: torch_ / info for name, (info, torch_) in seen.items()}
assert one == many == 8 * 8 + 8, "this has changed"
assert 0.999 < ratio["resnet18"] < 1.001
assert ratio["convnext_tiny"] > 10 and ratio["vit_b_16"] > 100 and ratio["swin_t"] > 100, "this has changed"
PY
