#!/usr/bin/env bash
# torch 2.13.0 and timm 1.0.31: SyncBatchNorm.convert_sync_batchnorm takes every subclass of BatchNorm for a plain one.
# timm's BatchNormAct2d (norm and activation in one, in resnetv2, densenet, efficientnet, dpn, vovnet and others)
# becomes a SyncBatchNorm that still lists its ReLU as a child and never calls it: the net's 49 activations of a pre-
# activation ResNet-50 are gone, print(net) shows them. Forward hooks of a norm go too. One would have guessed that the
# conversion changes where statistics come from and nothing else, or refuses what it doesn't know. timm has a conversion
# of its own (timm.layers.convert_sync_batchnorm), which keeps them.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/pip" install -q --no-deps timm==1.0.31 pyyaml==6.0.3 safetensors==0.7.0
"$work/venv/bin/pip" install -q huggingface_hub==1.1.2
"$work/venv/bin/python" - <<'PY'
import copy
import warnings

import torch
from torch import nn

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm
from timm.layers import BatchNormAct2d, convert_sync_batchnorm

norm = BatchNormAct2d(2).eval()
plain = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(norm)).eval()
own = convert_sync_batchnorm(copy.deepcopy(norm)).eval()
x = torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
print("torch", torch.__version__, "timm", timm.__version__)
assert [name for name, _ in plain.named_children()] == ["drop", "act"], "this has changed"
called = []
for each in (norm, plain, own):
    each.act.register_forward_hook(lambda *_: called.append(1))
least = norm(x).min().item()
assert least == 0 and len(called) == 1, "this has changed"
# SyncBatchNorm answers on a GPU alone, so what its forward calls is read from its class
assert type(plain).forward is nn.SyncBatchNorm.forward and type(own).forward is not nn.SyncBatchNorm.forward
net = timm.create_model("resnetv2_50")
acts = sum(isinstance(each, BatchNormAct2d) for each in net.modules())
converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
left = sum(type(each).forward is not nn.SyncBatchNorm.forward for each in converted.modules() if hasattr(each, "act"))
print("norms with an activation in resnetv2_50:", acts, "of which call it after torch's conversion:", left)
assert (acts, left) == (49, 0), "this has changed"
hooked = nn.Sequential(nn.BatchNorm2d(2))
hooked[0].register_forward_hook(lambda *_: None)
assert not nn.SyncBatchNorm.convert_sync_batchnorm(hooked)[0]._forward_hooks, "this has changed"
PY
