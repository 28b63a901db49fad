#!/usr/bin/env bash
# segmentation_models_pytorch 0.6.0: DiceLoss, JaccardLoss and TverskyLoss are 0 for a batch without an object, whatever
# the net says there: one that finds the object everywhere costs nothing and gets no gradient. A class that is nowhere
# in a batch is left out alike. One would have guessed that a false alarm costs: where many images are empty (lesions,
# defects, ships) the net learns nothing from those, and the less the smaller the batch is. Dice by its definition, with
# smoothing, is near 1 there.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/pip" install -q --no-deps timm==1.0.31 segmentation_models_pytorch==0.6.0
"$work/venv/bin/pip" install -q huggingface_hub==1.1.2 pyyaml==6.0.3 safetensors==0.7.0 tqdm==4.67.1
"$work/venv/bin/python" - <<'PY'
import warnings

import torch

library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import segmentation_models_pytorch as smp

empty = torch.zeros(2, 1, 8, 8)
one_cell = empty.clone()
one_cell[0, 0, 0, 0] = 1
print("segmentation_models_pytorch", smp.__version__)
for kind in (smp.losses.DiceLoss, smp.losses.JaccardLoss, smp.losses.TverskyLoss):
    seen = []
    for mask in (empty, one_cell):
        everywhere = torch.full((2, 1, 8, 8), 5.0, requires_grad=True)
        loss = kind("binary")(everywhere, mask)
        loss.backward()
        seen.append((loss.item(), everywhere.grad.abs().max().item()))
    print(kind.__name__, "of an object found everywhere: loss and largest gradient", *seen)
    assert seen[0] == (0, 0), "this has changed"
    assert seen[1][0] > 0.9 and seen[1][1] > 0, "this has changed"
PY
