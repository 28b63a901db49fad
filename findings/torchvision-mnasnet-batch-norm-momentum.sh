#!/usr/bin/env bash
# torchvision 0.28.0: the batch norms of MNASNet have a momentum of 0.0003, where those of ResNet have 0.1. After 500
# steps the running statistics still hold 86 % of what they began with, mean 0 and variance 1: a net that learns from
# its random weights, or is fine-tuned on other images, is evaluated by statistics that are mostly those, whatever its
# training loss says. One would have guessed that nets of one library keep the library's default: by 0.1 they have
# settled after 50 steps.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0
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
import torchvision


def momenta(net):
    return sorted({each.momentum for each in net.modules() if isinstance(each, nn.BatchNorm2d)})


print("torchvision", torchvision.__version__)
seen = {name: momenta(torchvision.models.get_model(name)) for name in ("resnet18", "mobilenet_v2", "mnasnet1_0")}
print(seen)
assert seen["resnet18"] == seen["mobilenet_v2"] == [0.1], "this has changed"
assert len(seen["mnasnet1_0"]) == 1 and abs(seen["mnasnet1_0"][0] - 0.0003) < 1e-9, "this has changed"
norm = next(each for each in torchvision.models.mnasnet1_0().modules() if isinstance(each, nn.BatchNorm2d))
images = torch.full((8, norm.num_features, 2, 2), 5.0)
for _ in range(500):
    norm(images)
print(f"after 500 batches whose mean is 5 the running mean is {norm.running_mean[0]:.2f}")
assert abs(norm.running_mean[0] - 5 * (1 - 0.9997**500)) < 1e-3, "this has changed"
PY
