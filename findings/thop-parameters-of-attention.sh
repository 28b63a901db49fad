#!/usr/bin/env bash
# thop 0.1.1.post2209072238: the number of parameters that `profile` gives is of layers that were called and have no
# children. A MultiheadAttention has 0 of them (its projections are used by function, its weight stands beside a
# child), so ViT-B/16 has 58.1 M of 86.6 and Swin-T 19.6 M of 28.3, while a ResNet is right to the last one. One would
# have guessed that a sum over `net.parameters()` is what is given, and that the tool says so where it cannot count: a
# table of a ViT beside a ResNet has a third of the ViT missing.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 thop==0.1.1.post2209072238
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
from torch import nn

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
from thop import profile
from torchvision import models


def parameters(net, *inputs):
    """As thop has it, and as they are."""
    before = sum(each.numel() for each in net.parameters())
    return int(profile(net, inputs, verbose=False)[1]), before


tokens = torch.zeros(5, 1, 64)
seen = {"attention of 64": parameters(nn.MultiheadAttention(64, 4), tokens, tokens, tokens)}
for name in ("resnet18", "vit_b_16", "swin_t"):
    seen[name] = parameters(models.get_model(name, weights=None).eval(), torch.zeros(1, 3, 224, 224))
for name, (told, true) in seen.items():
    print(f"{name:16} {told:>11,} of {true:>11,}")
assert seen["attention of 64"] == (0, 4 * 64 * 64 + 4 * 64), "this has changed"
assert seen["resnet18"] == (11_689_512, 11_689_512)
shares = {name: round(told / true, 2) for name, (told, true) in seen.items()}
assert shares["vit_b_16"] == 0.67 and shares["swin_t"] == 0.69, "this has changed"
PY
