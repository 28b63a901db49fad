#!/usr/bin/env bash
# torchvision 0.28.0: transforms.v2.MixUp and CutMix mix each image of a batch with the one before it (a roll by one),
# not with one that is drawn; only the share is drawn, one for the whole batch. The same batch has the same partners
# each time. One would have guessed a random permutation, as in the papers' code: on a batch that is not shuffled
# (folders are read class by class, as are many shards) nearly all images are mixed with one of their own class, so that
# the labels stay hard.
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
from torchvision.transforms import v2

images, labels = torch.rand(6, 3, 64, 64), torch.arange(6)
before = labels.roll(1)
print("torchvision", torchvision.__version__)
for kind in (v2.MixUp, v2.CutMix):
    mix, shares = kind(num_classes=6), set()
    for seed in range(20):
        torch.manual_seed(seed)
        _, soft = mix(images, labels)
        own, other = soft[labels, labels], soft[labels, before]
        assert torch.allclose(own + other, torch.ones(6)), "this has changed"
        assert own.unique().numel() == 1, "this has changed"
        shares.add(round(own[0].item(), 4))
    print(kind.__name__, "20 draws, the partner always the one before,", len(shares), "shares")
    assert len(shares) > 10, "this has changed"
torch.manual_seed(0)
sorted_by_class = torch.arange(3).repeat_interleave(8)
_, soft = v2.MixUp(num_classes=3)(torch.rand(24, 3, 8, 8), sorted_by_class)
hard = (soft.max(dim=1).values > 0.999).sum().item()
print("of 24 images that are sorted by class,", hard, "keep a hard label")
assert hard == 21, "this has changed"
PY
