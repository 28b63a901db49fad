#!/usr/bin/env bash
# torchvision 0.28.0, kornia 0.9.0: augmentations are modules, and take no notice of `eval()`: in front of a net, in
# one Sequential with it, they erase, turn and crop the images of the test set too. One would have guessed that a
# module with chance in it rests in evaluation, as dropout, drop path and DropBlock of the same packages do, and as
# Keras's layers of augmentation: accuracy is some points too low and another each time, and nothing is said. Outside
# of the net, or behind a test of `self.training`, they are right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 kornia==0.9.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import kornia
import torchvision
from torch import nn
from torchvision.transforms import v2

x = torch.ones(4, 3, 16, 16)


def erased(layer):
    """Share of an image of ones that is 0 in evaluation."""
    torch.manual_seed(0)
    return round((nn.Sequential(layer, nn.Identity()).eval()(x) == 0).float().mean().item(), 3)


def differs(layer):
    """Whether two passes in evaluation differ, of an image that is no constant."""
    torch.manual_seed(0)
    net, ramp = nn.Sequential(layer).eval(), torch.linspace(0, 1, 256).reshape(1, 1, 16, 16).repeat(1, 3, 1, 1)
    return not torch.equal(net(ramp), net(ramp))


erase = {
    "torchvision v2": v2.RandomErasing(p=1, scale=(0.2, 0.3)),
    "torchvision": torchvision.transforms.RandomErasing(p=1, scale=(0.2, 0.3)),
    "kornia": kornia.augmentation.RandomErasing(p=1.0, scale=(0.2, 0.3)),
    "DropBlock": torchvision.ops.DropBlock2d(0.3, 3),
    "stochastic depth": torchvision.ops.StochasticDepth(0.5, "row"),
    "dropout": nn.Dropout(0.5),
}
turn = {"torchvision v2": v2.RandomRotation(90), "kornia": kornia.augmentation.RandomRotation(90.0, p=1.0)}
seen, turned = {name: erased(layer) for name, layer in erase.items()}, {k: differs(v) for k, v in turn.items()}
print("torchvision", torchvision.__version__, "kornia", kornia.__version__, "torch", torch.__version__)
print("share that is erased in evaluation", seen)
print("two passes differ", turned)
assert all(seen[name] > 0.15 for name in ("torchvision v2", "torchvision", "kornia")), "this has changed"
assert all(turned.values()), "this has changed"
assert seen["DropBlock"] == seen["stochastic depth"] == seen["dropout"] == 0
PY
