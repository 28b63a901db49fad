#!/usr/bin/env bash
# kornia 0.9.0: RandomResizedCrop takes four pixels of the image for each of the new one, however much it shrinks, by
# slices as by resampling, and has no argument for it; Resize of the same package has `antialias`, which is off. Of
# noise at an eighth of its size torchvision's crop leaves a twelfth of the deviation, as a mean does, kornia's two
# thirds; of fine stripes it makes broad ones. One would have guessed torchvision's picture, whose arguments it has: a
# net that is trained by the one on the GPU and evaluated by the other sees sharp, noisy images in training and smooth
# ones in the test, and the more the larger the originals are. Resize with antialias=True is near torchvision's.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 kornia==0.9.0
"$work/venv/bin/pip" install -q --no-deps torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import kornia
import torchvision
from kornia.augmentation import RandomResizedCrop, Resize
from torchvision.transforms import v2

WHOLE = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0)}
noise = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
stripes = torch.arange(256).remainder(8).lt(1).float().expand(1, 3, 256, 256)
ways = {
    "torchvision crop": v2.RandomResizedCrop((32, 32), **WHOLE),
    "kornia crop": RandomResizedCrop((32, 32), **WHOLE),
    "kornia crop, resampled": RandomResizedCrop((32, 32), cropping_mode="resample", **WHOLE),
    "kornia Resize": Resize((32, 32)),
    "kornia Resize, antialias": Resize((32, 32), antialias=True),
}
print("kornia", kornia.__version__, "torchvision", torchvision.__version__, "torch", torch.__version__)
print("deviation of noise, and range of stripes of a pixel in eight, which are less than a new pixel wide")
seen = {}
for name, way in ways.items():
    row = way(stripes)[0, 0, 0, 1:-1]
    seen[name] = round((way(noise).std() / noise.std()).item(), 2), round((row.max() - row.min()).item(), 2)
    print(f"{name:25}", seen[name])
for name in ("kornia crop", "kornia crop, resampled", "kornia Resize"):
    assert seen[name][0] > 0.6 and seen[name][1] > 0.7, "this has changed"
for name in ("torchvision crop", "kornia Resize, antialias"):
    assert seen[name][0] < 0.1 and seen[name][1] < 0.1
PY
