#!/usr/bin/env bash
# timm 1.0.31: ModelEmaV3(use_warmup=True) warms nothing up unless each update is told its number: `update(net)` takes
# the whole decay from the first one on, `update_after_step` is not read either, and nothing is said. One would have
# guessed that the average counts its own updates, as torch's AveragedModel does: with a decay of 0.9999 a net of 5,000
# steps is averaged with 61 % of its random first weights, as if it had not learned, and the warm-up that would cure it
# is there in the arguments. With `update(net, step=number)` it works.
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
from timm.utils import ModelEmaV3

STEPS, DECAY = 5000, 0.9999


def kept(*, told, **how):
    """The share of the first weight, where each later one is 0."""
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(net.weight)
    average = ModelEmaV3(net, decay=DECAY, **how)
    torch.nn.init.zeros_(net.weight)
    for number in range(STEPS):
        average.update(net, step=number) if told else average.update(net)
    return average.module.weight.item()


print("timm", timm.__version__, f"share of the first weights after {STEPS} updates")
plain = kept(told=False)
found = {
    "use_warmup": kept(told=False, use_warmup=True),
    "update_after_step": kept(told=False, update_after_step=1000),
    "use_warmup, told the step": kept(told=True, use_warmup=True),
    "update_after_step, told the step": kept(told=True, update_after_step=1000),
}
print(f"neither: {plain:.3f}", *(f"{name}: {share:.3f}" for name, share in found.items()), sep="\n")
assert abs(plain - DECAY**STEPS) < 1e-3 and plain > 0.6
assert found["use_warmup"] == found["update_after_step"] == plain, "this has changed"
assert found["use_warmup, told the step"] == found["update_after_step, told the step"] == 0, "this has changed"
PY
