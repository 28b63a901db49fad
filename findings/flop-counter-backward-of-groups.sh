#!/usr/bin/env bash
# torch 2.13.0: FlopCounterMode counts the gradient of a grouped conv's weight as if there were one group, so a
# backward pass through a depthwise layer of 256 channels counts as 257 times its forward pass. One would have guessed
# twice, as the gradients of input and weight each take as many products as the forward pass, and as it is for an
# ungrouped conv: of a training step of a MobileNet, most of the FLOPs that are counted do not exist. The count of the
# forward pass is right: three times that is the step.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

CHANNELS, SIDE, KERNEL = 256, 14, 3


def counted(call):
    with FlopCounterMode(display=False) as counter:
        made = call()
    return counter.get_total_flops(), made


seen = {}
for groups in (1, 2, CHANNELS):
    conv = nn.Conv2d(CHANNELS, CHANNELS, KERNEL, padding=1, groups=groups)
    x = torch.zeros(1, CHANNELS, SIDE, SIDE, requires_grad=True)
    forward, y = counted(lambda: conv(x))
    assert forward == 2 * SIDE**2 * KERNEL**2 * CHANNELS * CHANNELS // groups
    backward, _ = counted(y.sum().backward)
    seen[groups] = backward / forward
print("torch", torch.__version__, "backward over forward, by groups:", seen)
assert seen == {1: 2, 2: 3, CHANNELS: 1 + CHANNELS}, "this has changed"

block = nn.Sequential(nn.Conv2d(32, 192, 1), nn.Conv2d(192, 192, 3, padding=1, groups=192), nn.Conv2d(192, 32, 1))
x = torch.zeros(1, 32, SIDE, SIDE, requires_grad=True)
forward, y = counted(lambda: block(x))
step = forward + counted(y.sum().backward)[0]
print(f"the step of an inverted residual: {step / 1e6:.0f} M, three times its forward pass: {3 * forward / 1e6:.0f} M")
assert step > 8 * 3 * forward, "this has changed"
PY
