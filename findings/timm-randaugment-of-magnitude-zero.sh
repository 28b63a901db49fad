#!/usr/bin/env bash
# timm 1.0.31: a RandAugment whose string lacks "inc1" is strongest at both ends of its magnitude. Brightness, contrast,
# colour and sharpness have a factor of 0.1 + 0.18 M, so that M = 5 does nothing and M = 0 leaves a tenth of the light;
# solarize inverts the whole picture at M = 0 and nothing at M = 10; posterize keeps two bits at M = 5, four at M = 10.
# One would have guessed that magnitude 0 leaves a picture as it is, and that more is more: a search for the best
# magnitude compares ops that grow with two that fall and four that turn at 5, and what it finds says nothing of how
# much is good. With "-inc1" all six grow.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip"
"$pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 pyyaml==6.0.3 safetensors==0.7.0 huggingface_hub==1.18.0
"$pip" install -q --no-deps timm==1.0.31 torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm
from PIL import Image
from timm.data.auto_augment import rand_augment_transform

noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
image = Image.fromarray(noise)


def changes(text):
    """How far each op moves a number of the picture, of 255."""
    found = {}
    for op in rand_augment_transform(text, {}).ops:
        if "Posterize" in op.name and op.level_fn(op.magnitude, op.hparams)[0] == 0:
            continue  # no bit left is an error of Pillow's
        op.prob = 1.0
        name = op.name.removesuffix("Increasing")
        moved = np.abs(np.asarray(op(image), dtype=float) - noise).mean()
        found[name] = round(float(moved), 1)
    return found


SHADES = ("Brightness", "Color", "Contrast", "Sharpness")
plain = {level: changes(f"rand-m{level}") for level in (0, 5, 10)}
grown = {level: changes(f"rand-m{level}-inc1") for level in (0, 5, 10)}
print("timm", timm.__version__)
for name, levels in (("rand-mM", plain), ("rand-mM-inc1", grown)):
    for op in (*SHADES, "Solarize", "Posterize", "Rotate", "SolarizeAdd"):
        print(f"{name:14}{op:12}", *(f"M = {level}: {seen.get(op, '-'):5}" for level, seen in levels.items()))
for op in SHADES:
    assert plain[0][op] > 5 < plain[10][op] and plain[5][op] == 0, "this has changed"
assert plain[0]["Solarize"] > 100 > plain[5]["Solarize"] > 0 == plain[10]["Solarize"], "this has changed"
assert plain[5]["Posterize"] > plain[10]["Posterize"] and grown[0]["Posterize"] < grown[5]["Posterize"]
assert plain[0]["Rotate"] == 0 < plain[10]["Rotate"]
assert all(grown[0][op] == 0 < grown[10][op] for op in (*SHADES, "Solarize", "Rotate"))
PY
