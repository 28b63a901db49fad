#!/usr/bin/env bash
# torchvision 0.28.0: SqueezeNet has a ReLU behind its last convolution, before the mean over the map, so none of its
# logits is ever below 0. A class whose filter is below 0 everywhere in an image gets exactly 0, and no gradient there:
# a distillation by these logits has a teacher that knows no "surely not". One would have guessed that a classifier's
# logits are free in sign, as those of the package's 13 other nets that are asked here are.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import torchvision

torch.manual_seed(0)
names = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
    "regnet_x_400mf", "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5", "vgg11", "wide_resnet50_2",
)  # fmt: skip
images = torch.randn(4, 3, 64, 64)


def least(name):
    net = torchvision.models.get_model(name)
    # a layer that has learned has answers of both signs; a new net's may lie on one side by chance
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net.train()(images).min().item()


print("torchvision", torchvision.__version__)
others = {name: least(name) for name in names}
squeeze = {name: least(name) for name in ("squeezenet1_0", "squeezenet1_1")}
print(others, squeeze, sep="\n")
assert all(value < 0 for value in others.values()), "this has changed"
assert all(value >= 0 for value in squeeze.values()), "this has changed"
PY
