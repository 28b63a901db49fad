#!/usr/bin/env bash
# torch 2.13.0, torchvision 0.28.0, timm 1.0.31: kaiming_normal_ with mode="fan_out" takes the fan from the weight's
# shape, filters times kernel, though in a conv of g groups a channel reaches only a g-th of the filters: its weights
# start sqrt(g) too small, those of a depthwise layer of 512 channels 23 times. One would have guessed that the mode
# which keeps the size of gradients does so for each conv, as fan_in does for activations: without norms the signal
# is gone, and before a BatchNorm a first step of SGD turns such a weight g times as far. torchvision's MobileNetV2
# starts so, and timm's divides by the groups: the two are not one net to train. A weight times sqrt(g) is right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip"
"$pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 pyyaml==6.0.3 safetensors==0.7.0 huggingface_hub==1.18.0
"$pip" install -q --no-deps timm==1.0.31 torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
from torch import nn

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm
from torchvision.models import mobilenet_v2

CHANNELS = 256


def gains(groups, mode, factor=1.0):
    """How much larger a gradient and a map come out of a ReLU and a conv, and how far a step turns the weight where a
    norm follows."""
    torch.manual_seed(0)
    conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, padding_mode="circular", groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode=mode, nonlinearity="relu")
    with torch.no_grad():
        conv.weight *= factor
    x, given = torch.randn(2, 4, CHANNELS, 16, 16).unbind()
    y = conv(x.relu().requires_grad_())
    (back,) = torch.autograd.grad(conv(x.requires_grad_()), x, given * (torch.rand_like(given) < 0.5))
    (step,) = torch.autograd.grad(nn.BatchNorm2d(CHANNELS, eps=1e-12)(y), conv.weight, given)
    return [float(back.std()), float(y.square().mean().sqrt()), float(step.norm() / conv.weight.norm())]

print("torch", torch.__version__)
for groups in (1, 32, CHANNELS):
    out, mended, into = gains(groups, "fan_out"), gains(groups, "fan_out", groups**0.5), gains(groups, "fan_in")
    further = out[2] / mended[2]
    print(f"{groups} groups: gradient and map by fan_out {out[0]:.3f} {out[1]:.3f}, times sqrt(g) {mended[0]:.3f} "
          f"{mended[1]:.3f}, by fan_in {into[0]:.3f} {into[1]:.3f}; before a norm it turns {further:.1f} times as far")
    assert all(0.9 < size * groups**0.5 < 1.1 for size in out[:2]), "this has changed"
    assert all(0.9 < size < 1.1 for size in (*mended[:2], *into[:2])), "this has changed"
    assert 0.95 < further / groups < 1.05, "this has changed"


def depthwise(net):
    """Of each such conv, by channels: the spread of its weights over that of He's."""
    convs = [each for each in net.modules() if isinstance(each, nn.Conv2d) and each.groups > 1]
    return {each.groups: round(float(each.weight.std()) / (2 / 9) ** 0.5, 3) for each in convs}


torch.manual_seed(0)
vision, models = depthwise(mobilenet_v2(weights=None)), depthwise(timm.create_model("mobilenetv2_100"))
print("MobileNetV2, by channels: torchvision", vision, "timm", models)
assert vision.keys() == models.keys() and all(0.85 < size < 1.15 for size in models.values())
assert all(0.85 < size * channels**0.5 < 1.15 for channels, size in vision.items()), "this has changed"
PY
