#!/usr/bin/env bash
# torch 2.13.0: nn.init.trunc_normal_(weight, std=0.02), as vision transformers and ConvNeXt are initialised, cuts
# nothing off: its default bounds are -2 and 2 of the weight itself, a hundred standard deviations away. Of a million
# numbers 4.6 % are beyond two standard deviations, as of any normal draw, and the standard deviation is 0.02; by their
# manuals the truncated normals of JAX and TensorFlow end at two standard deviations. One would have guessed that
# "truncated" is told in units of std: a net that is carried over from JAX by this name has other first weights than its
# paper's.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn

torch.manual_seed(0)
weight = nn.init.trunc_normal_(torch.empty(1_000_000), std=0.02)
beyond = (weight.abs() > 2 * 0.02).float().mean().item()
cut = nn.init.trunc_normal_(torch.empty(1_000_000), std=0.02, a=-0.04, b=0.04)
print("torch", torch.__version__)
print(f"by default {beyond:.2%} beyond two standard deviations, the largest at {weight.abs().max() / 0.02:.1f}")
print(f"with a and b said: the largest at {cut.abs().max() / 0.02:.2f}, standard deviation {cut.std() / 0.02:.2f} of std")
assert abs(beyond - 0.0455) < 0.002 and weight.abs().max() > 4 * 0.02, "this has changed"
assert cut.abs().max() <= 0.04 + 1e-6 and abs(cut.std() / 0.02 - 0.88) < 0.01, "this has changed"
PY
