#!/usr/bin/env bash
# torchvision 0.28.0: `weights=None` makes a segmentation net, a Faster R-CNN, a RetinaNet or an SSD whose backbone was
# trained on ImageNet: `weights_backbone` has weights by default, and they are fetched. One would have guessed that what
# is called without weights is untrained, as every classifier of the package is: the "from scratch" of a comparison is
# fine-tuned too, and a program without a network fails where it asked for no file. `weights_backbone=None` beside it is
# untrained.
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
from torchvision import models
from torchvision.models import _api, detection, segmentation

trained = {
    "resnet50": models.resnet50(weights=None).state_dict(),
    "mobilenet_v3_large": models.mobilenet_v3_large(weights=None).state_dict(),
}
fetched = []


def instead(url, *how, **more):
    """In place of the download: numbers that can be known again."""
    fetched.append(url.rpartition("/")[2])
    return next(state for name, state in trained.items() if fetched[-1].startswith(name))


_api.load_state_dict_from_url = instead


def first(net):
    """The first weight of the backbone."""
    return next(parameter for name, parameter in net.named_parameters() if "backbone" in name).detach()


made = {
    segmentation.fcn_resnet50: "resnet50",
    segmentation.deeplabv3_resnet50: "resnet50",
    segmentation.lraspp_mobilenet_v3_large: "mobilenet_v3_large",
    detection.fasterrcnn_resnet50_fpn: "resnet50",
    detection.retinanet_resnet50_fpn: "resnet50",
}
print("torchvision", torchvision.__version__)
for make, backbone in made.items():
    fetched.clear()
    by_default = make(weights=None)
    seen = list(fetched)
    without = make(weights=None, weights_backbone=None)
    theirs = next(iter(trained[backbone].values()))
    print(f"{make.__name__:28} weights=None fetches {seen}, with weights_backbone=None {fetched[len(seen):]}")
    assert len(seen) == 1 and torch.equal(first(by_default), theirs), "this has changed"
    assert fetched == seen and not torch.equal(first(without), theirs)
fetched.clear()
models.resnet50(weights=None), models.vit_b_32(weights=None)
assert not fetched
PY
