#!/usr/bin/env bash
# torch 2.13.0: under CPU autocast to bfloat16, pooling a volume turns a bfloat16 map back into float32 (max, avg and
# adaptive average), the same pools of one and two axes keep bfloat16. Reflect padding has it the other way round:
# float32 on one and two axes, bfloat16 on three. One would have guessed that the number of axes changes no dtype: a
# video net takes twice the memory behind its first pool, and branches that join have two dtypes.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.nn import functional as F

maps = {axes: torch.randn(1, 4, *[8] * axes, dtype=torch.bfloat16) for axes in (1, 2, 3)}
ops = {
    "max pool": lambda axes: getattr(F, f"max_pool{axes}d")(maps[axes], 2),
    "avg pool": lambda axes: getattr(F, f"avg_pool{axes}d")(maps[axes], 2),
    "adaptive avg pool": lambda axes: getattr(F, f"adaptive_avg_pool{axes}d")(maps[axes], 1),
    "conv": lambda axes: getattr(F, f"conv{axes}d")(maps[axes], torch.ones(4, 4, *[1] * axes)),
    "pad reflect": lambda axes: F.pad(maps[axes], [1] * (2 * axes), mode="reflect"),
    "pad zeros": lambda axes: F.pad(maps[axes], [1] * (2 * axes)),
}
with torch.autocast("cpu", torch.bfloat16):
    seen = {name: [str(op(axes).dtype).removeprefix("torch.") for axes in (1, 2, 3)] for name, op in ops.items()}
print("torch", torch.__version__)
for name, dtypes in seen.items():
    print(f"{name:18}", *dtypes)
half, full = "bfloat16", "float32"
assert seen == {
    "max pool": [half, half, full],
    "avg pool": [half, half, full],
    "adaptive avg pool": [half, half, full],
    "conv": [half, half, half],
    "pad reflect": [full, full, half],
    "pad zeros": [half, half, half],
}, "this has changed"
PY
