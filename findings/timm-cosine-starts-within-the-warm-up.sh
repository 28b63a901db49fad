#!/usr/bin/env bash
# timm 1.0.31: the cosine of CosineLRScheduler, and of create_scheduler_v2 and the training script, has begun when the
# warm-up ends: it counts from epoch 0, and the warm-up hides its beginning. With 5 epochs of 20 the rate climbs to 0.8
# of what was asked for, goes on at 0.85 and falls: no epoch has the rate that is called the learning rate. One would
# have guessed that a warm-up ends at the top, as torch's SequentialLR of the same two does and as papers draw it: the
# same numbers are two schedules in the two libraries. `warmup_prefix=True` begins the cosine behind the warm-up, and
# makes the run that much longer, 25 epochs.
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
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm
from timm.scheduler import create_scheduler_v2
from torch.optim import lr_scheduler as kinds

EPOCHS, WARM = 20, 5


def rates(**how):
    """Of each epoch, for a learning rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, epochs = create_scheduler_v2(
        optimizer, sched="cosine", num_epochs=EPOCHS, warmup_epochs=WARM, warmup_lr=0.0, min_lr=0.0, **how
    )
    found = []
    for epoch in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        schedule.step(epoch + 1)
    return found


def of_torch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    parts = [kinds.LinearLR(optimizer, 1e-9, total_iters=WARM), kinds.CosineAnnealingLR(optimizer, EPOCHS - WARM)]
    schedule = kinds.SequentialLR(optimizer, parts, [WARM])
    found = []
    for _ in range(EPOCHS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


plain, prefix, torchs = rates(), rates(warmup_prefix=True), of_torch()
print("timm", timm.__version__)
for name, found in (("by default", plain), ("warmup_prefix", prefix), ("torch", torchs)):
    print(f"{name:14} {len(found)} epochs, at most {max(found):.3f}:", *(f"{rate:.2f}" for rate in found))
assert len(plain) == EPOCHS and 0.853 < max(plain) < 0.854 and plain[WARM] == max(plain), "this has changed"
assert len(prefix) == EPOCHS + WARM and prefix[WARM] == max(prefix) == 1.0, "this has changed"
assert max(torchs) == torchs[WARM] > 0.999
PY
