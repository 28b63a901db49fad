#!/usr/bin/env bash
# torchvision 0.28.0: IntermediateLayerGetter, and with it detection's BackboneWithFPN, calls a net's children one
# after the other, never its forward. A net whose forward does anything else (a sum, a branch, another order) gives
# other maps, of the right shapes, without a word. One would have guessed that the maps are what the net computes;
# create_feature_extractor of the same package traces the forward and gives those.
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
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.feature_extraction import create_feature_extractor


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.shortcut, self.last = (nn.Conv2d(3, 3, 1) for _ in range(3))

    def forward(self, x):
        return self.last(self.body(x) + self.shortcut(x))


net, image = Residual().eval(), torch.randn(1, 3, 4, 4)
wanted = {"last": "map"}
by_forward = create_feature_extractor(net, wanted)(image)["map"]
by_children = IntermediateLayerGetter(net, wanted)(image)["map"]
print("torchvision", torchvision.__version__, "by the forward", torch.equal(by_forward, net(image)),
      "by the children", torch.equal(by_children, net(image)))
assert torch.equal(by_forward, net(image)), "this has changed"
assert by_children.shape == by_forward.shape and not torch.allclose(by_children, by_forward), "this has changed"
assert torch.allclose(by_children, net.last(net.shortcut(net.body(image)))), "this has changed"
PY
