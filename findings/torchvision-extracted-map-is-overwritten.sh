#!/usr/bin/env bash
# torchvision 0.28.0: what create_feature_extractor gives for a node depends on what else is asked for. A ResNet's
# `layer1.0.bn1` alone is the norm's output; asked for together with `fc` it is that after ReLU, as the ReLU behind it
# works in place, and only a graph that goes on has it. So it is for `layer1.0.add`. One would have guessed that a name
# means one map: statistics of norms and of sums have no negative number, without a word. With `inplace = False` in
# each ReLU all are right.
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
from torchvision.models.feature_extraction import create_feature_extractor

torch.manual_seed(0)
net = torchvision.models.resnet18(weights=None).eval()
image = torch.randn(1, 3, 64, 64)


def found(node):
    """The node's map, when it is asked for alone and when the logits are too."""
    with torch.no_grad():
        return tuple(create_feature_extractor(net, nodes)(image)[node] for nodes in ([node], [node, "fc"]))


print("torchvision", torchvision.__version__)
for inplace in (True, False):
    for layer in net.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = inplace
    for node in ("layer1.0.bn1", "layer1.0.add", "layer1.0.bn2"):
        alone, beside = found(node)
        print(f"in place {inplace!s:5} {node:13} least alone {alone.min():6.3f} and beside fc {beside.min():6.3f}")
        assert alone.min() < 0
        overwritten = inplace and node != "layer1.0.bn2"
        assert torch.equal(beside, alone.relu() if overwritten else alone), "this has changed"
PY
