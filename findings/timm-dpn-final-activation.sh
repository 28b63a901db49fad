#!/usr/bin/env bash
# timm 1.0.31: DPN's argument `fc_act_layer` (default "elu") has no effect: the activation behind the last norm is ReLU
# whatever it says, as the block that applies it chooses an activation of its own. One would have guessed from the
# signature that a DPN ends in ELU: a net written from it differs in all logits, in none of its weights or shapes.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip"
"$pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 pyyaml==6.0.3 safetensors==0.7.0 huggingface_hub==1.18.0
"$pip" install -q --no-deps timm==1.0.31 torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import inspect
import warnings

import torch

# A torchvision from another index than torch's lacks its compiled operators; no net here calls them.
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm

default = inspect.signature(timm.models.dpn.DPN).parameters["fc_act_layer"].default
last = {
    asked: type(timm.create_model("dpn68", fc_act_layer=asked).features.conv5_bn_ac.bn.act).__name__
    for asked in (default, "silu", "gelu")
}
print("timm", timm.__version__, last)
assert last == {"elu": "ReLU", "silu": "ReLU", "gelu": "ReLU"}, "this has changed"
PY
