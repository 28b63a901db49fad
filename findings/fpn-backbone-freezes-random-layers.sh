#!/usr/bin/env bash
# torchvision 0.28.0: resnet_fpn_backbone(weights=None) gives random weights, of which by default the stem and the first
# stage do not train, and all its norms are FrozenBatchNorm2d, which never learn nor count statistics; so does
# mobilenet_backbone with most of its stages. One would have guessed that what was never trained is not frozen, as
# fasterrcnn_resnet50_fpn of the same package has it, which trains all of an untrained backbone: a detector from
# scratch learns on random features behind norms that pass everything on, and is taken for a bad net.
# `trainable_layers=5, norm_layer=nn.BatchNorm2d` trains all of it.
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
import torchvision
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import mobilenet_backbone, resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d


def found(net):
    """The convs that do not train, the norms that cannot, and the norms that can."""
    still = [n for n, p in net.named_parameters() if not p.requires_grad and p.ndim == 4]
    norms = [sum(isinstance(m, kind) for m in net.modules()) for kind in (FrozenBatchNorm2d, nn.BatchNorm2d)]
    return len(still), *norms


resnet = {"backbone_name": "resnet18", "weights": None}
all_of_it = {"trainable_layers": 5, "norm_layer": nn.BatchNorm2d}
with warnings.catch_warnings():
    warnings.simplefilter("error")  # nothing is said
    nets = {
        "resnet_fpn_backbone": resnet_fpn_backbone(**resnet),
        "resnet_fpn_backbone, all": resnet_fpn_backbone(**resnet, **all_of_it),
        "mobilenet_backbone": mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=True),
        "fasterrcnn_resnet50_fpn": fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).backbone,
    }
seen = {name: found(net) for name, net in nets.items()}
print("torchvision", torchvision.__version__)
for name, (still, frozen, norms) in seen.items():
    print(f"{name:25} {still:2} convs do not train; norms: {frozen} frozen, {norms} that train")
assert seen["resnet_fpn_backbone"] == (5, 20, 0), "this has changed"
assert seen["resnet_fpn_backbone, all"] == (0, 0, 20), "this has changed"
still, frozen, norms = seen["mobilenet_backbone"]
assert still > 40 and frozen > 40 and norms == 0, "this has changed"
still, frozen, norms = seen["fasterrcnn_resnet50_fpn"]
assert still == 0 and frozen == 0 and norms > 50, "this has changed"

net = nets["resnet_fpn_backbone"]
before = {name: value.clone() for name, value in net.body.state_dict().items()}
optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
sum(m.square().mean() for m in net.train()(torch.randn(2, 3, 64, 64)).values()).backward()
optimizer.step()
moved = [name for name, value in net.body.state_dict().items() if not torch.equal(value, before[name])]
assert moved and all(name.startswith(("layer2", "layer3", "layer4")) for name in moved), "this has changed"
assert not any("bn" in name for name in moved), "this has changed"
PY
