#!/usr/bin/env bash
# torch 2.13.0, the CPU's wheel: AvgPool3d(3, 2, padding=1) refuses a map of 1x1x1 or 2x2x2 as "smaller than kernel size",
# though with its padding a window fits, and the same pool of sequences and images, and MaxPool3d of the same volume, take it.
# So the last stage of a 3-D ResNet-D on a short clip fails where the 2-D net on a small image does not. One would have
# guessed that the padded size is what counts, as the formula in its documentation says. F.pad before the pool is equal.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.nn import functional as F


def size(pool, axes, cells):
    """Of what comes out, or the error's last words."""
    try:
        return tuple(pool(torch.ones(1, 2, *[cells] * axes)).shape[2:])
    except RuntimeError as error:
        return "smaller than kernel size" if "smaller than kernel size" in str(error) else str(error)


kinds = {
    f"{kind}Pool{axes}d": (getattr(nn, f"{kind}Pool{axes}d")(3, 2, padding=1), axes)
    for kind in ("Avg", "Max")
    for axes in (1, 2, 3)
}
seen = {name: [size(pool, axes, cells) for cells in (1, 2, 3)] for name, (pool, axes) in kinds.items()}
print("torch", torch.__version__, seen)
for name, (_, axes) in kinds.items():
    fits = [(1,) * axes, (1,) * axes, (2,) * axes]
    small = ["smaller than kernel size"] * 2
    assert seen[name] == ([*small, fits[2]] if name == "AvgPool3d" else fits), name
# what is padded first is averaged as AvgPool2d averages it
padded = nn.AvgPool3d(3, 2)(F.pad(torch.ones(1, 2, 2, 2, 2), (1,) * 6))
flat = nn.AvgPool2d(3, 2, padding=1)(torch.ones(1, 2, 2, 2))
assert padded.shape[2:] == (1, 1, 1)
torch.testing.assert_close(padded.flatten(), flat.flatten() * 2 / 3)
PY
