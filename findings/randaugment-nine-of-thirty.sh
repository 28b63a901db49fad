#!/usr/bin/env bash
# torchvision 0.28.0, timm 1.0.31: a RandAugment of magnitude 9 is two things. The scale of the paper ends at 10, and so
# does that of timm's "rand-m9"; torchvision's counts the 31 bins of its table, so that its default, 9, is nine of
# thirty: it turns by 9 degrees where timm turns by 27, and shears and moves a third as far. One would have guessed that
# the number of the paper is the paper's, as `RandAugment(num_ops=2, magnitude=9)` are its two arguments: a recipe that
# is carried over by its numbers is regularized a third as much, or three times. torchvision's 27 is timm's 9.
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
import torchvision
from timm.data.auto_augment import rand_augment_transform
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

SIDE = 224
image = Image.new("RGB", (SIDE, SIDE))


def of_torchvision(magnitude):
    """Degrees, shear and shift as a share of the side, of each image that is turned, sheared or moved."""
    found = {"rotate": set(), "shear": set(), "translate": set()}

    class Watched(v2.RandAugment):
        def _apply_image_or_video_transform(self, image, name, value, **how):
            kind = name.rstrip("XY").lower()
            if kind in found:
                found[kind].add(round(abs(value) / (SIDE if kind == "translate" else 1), 3))
            return image

    augment = Watched(magnitude=magnitude)
    for _ in range(200):
        augment(image)
    return found


def of_timm(magnitude):
    """The same."""
    kinds = {"Rotate": "rotate", "ShearX": "shear", "ShearY": "shear", "TranslateXRel": "translate"}
    kinds["TranslateYRel"] = "translate"
    found = {"rotate": set(), "shear": set(), "translate": set()}
    for op in rand_augment_transform(f"rand-m{magnitude}", {}).ops:
        if op.name in kinds:
            found[kinds[op.name]] |= {round(abs(op.level_fn(op.magnitude, op.hparams)[0]), 3) for _ in range(20)}
    return found


torch.manual_seed(0)
print("torchvision", torchvision.__version__, "timm", timm.__version__)
theirs, same, nine = of_torchvision(9), of_torchvision(27), of_timm(9)
for name, found in (("torchvision 9", theirs), ("torchvision 27", same), ("timm 9", nine)):
    print(f"{name:15}", found)
assert theirs["rotate"] == {9.0} and theirs["shear"] == {0.09}, "this has changed"
assert nine["rotate"] == same["rotate"] == {27.0} and nine["shear"] == same["shear"] == {0.27}, "this has changed"
assert v2.RandAugment().magnitude == 9, "this has changed"
PY
