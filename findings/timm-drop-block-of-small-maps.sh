#!/usr/bin/env bash
# timm 1.0.31, torchvision 0.28.0: DropBlock2d(0.1) of timm drops more than a tenth, and the more the smaller the map
# is: it draws centres of blocks by the rate for a map without its border, and draws them in the border too. With
# blocks of 3, as ResNet's `drop_block_rate` has them in its last stage, it is 16 % of a 7×7 map and 23 % of a 4×4 one,
# with blocks of 7 21 % of 14×14, and of 7×7 nearly all is gone. One would have guessed that the rate is the share that
# is dropped, whatever the size, as it is for torchvision's of the same name and paper (9 to 10 % in all of these): a
# net at 128 pixels is regularized harder than the same at 224, and what is left is scaled up to the old mean, so that
# no mean shows it.
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
from timm.layers import DropBlock2d


def dropped(layer, size):
    """Share of the cells that are 0, and the mean of all, of a map of ones."""
    torch.manual_seed(0)
    found = layer.train()(torch.ones(400, 16, size, size))
    return round((found == 0).float().mean().item(), 3), round(found.mean().item(), 3)


print("timm", timm.__version__, "torchvision", torchvision.__version__, "torch", torch.__version__)
seen = {
    (block, size): (
        dropped(DropBlock2d(0.1, block_size=block), size),
        dropped(torchvision.ops.DropBlock2d(0.1, block), size),
    )
    for block, size in ((3, 14), (3, 7), (3, 4), (7, 28), (7, 14), (7, 7))
}
for (block, size), (ours, other) in seen.items():
    print(f"blocks of {block}, map of {size:2}: share and mean of timm", ours, "of torchvision", other)
assert all(0.08 < other[0] < 0.11 and ours[1] == 1 for ours, other in seen.values())
share = {case: ours[0] for case, (ours, _) in seen.items()}
assert 0.13 < share[3, 7] < 0.18 and 0.2 < share[3, 4] < 0.27 and 0.17 < share[7, 14] < 0.25, "this has changed"
assert share[7, 7] > 0.9, "this has changed"
PY
