#!/usr/bin/env bash
# torch 2.13.0: F.interpolate(mode="bicubic") is the cubic of a = -0.75, and with antialias=True that of a = -0.5, so
# that an enlargement, where there is nothing to alias, gives other numbers with it and without. One would have guessed
# that antialiasing widens the kernel where a picture shrinks and does nothing where it grows, as it is for "bilinear":
# who resizes the position embeddings of a ViT by the one what another trained by the other, or checks a port of
# Pillow's or JAX's bicubic (both -0.5) against torch's, is off by up to 0.37 of the values' deviation, and shapes,
# ranges and looks agree.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.nn.functional import interpolate


def cubic(a, distance):
    """Weight of a pixel at a distance, as the two pieces of Keys' kernel have it."""
    d = abs(distance)
    return (a + 2) * d**3 - (a + 3) * d**2 + 1 if d <= 1 else a * (d**3 - 5 * d**2 + 8 * d - 4)


impulse = torch.zeros(1, 1, 1, 9)
impulse[..., 4] = 1
kernels = {a: [round(cubic(a, (n + 0.5) / 2 - 4.5), 4) for n in range(5, 9)] for a in (-0.75, -0.5)}
embedding = torch.randn(1, 64, 14, 14, generator=torch.Generator().manual_seed(0))
print("torch", torch.__version__, "kernels", kernels)
for mode in ("bilinear", "bicubic"):
    for antialias in (False, True):
        wide = interpolate(impulse, size=(1, 18), mode=mode, antialias=antialias)[0, 0, 0, 5:9]
        print(f"{mode:8} antialias {antialias!s:5}", [round(weight, 4) for weight in wide.tolist()])
        if mode == "bicubic":
            want = torch.tensor(kernels[-0.5 if antialias else -0.75])
            assert torch.allclose(wide, want, atol=1e-4), "this has changed"
    off = [interpolate(embedding, size=16, mode=mode, antialias=antialias) for antialias in (False, True)]
    print(f"{mode:8} from 14 to 16: off by at most", (off[0] - off[1]).abs().max().item())
    assert torch.allclose(*off, atol=1e-5) == (mode == "bilinear"), "this has changed"
PY
