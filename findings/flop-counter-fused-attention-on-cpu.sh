#!/usr/bin/env bash
# torch 2.13.0: FlopCounterMode counts 0 for scaled_dot_product_attention on a CPU, where the fused kernel runs, and
# 4·B·H·L²·D for the same call by the math backend. One would have guessed one number for one computation: a net with
# attention has fewer FLOPs in its table when it is counted on a CPU than on a GPU, and nothing says so.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

batch, heads, length, width = 2, 4, 64, 32
q, k, v = (torch.randn(batch, heads, length, width) for _ in range(3))
by_hand = 2 * 2 * batch * heads * length**2 * width  # two products, a multiply and an add each


def counted(backend):
    with sdpa_kernel(backend), FlopCounterMode(display=False) as counter:
        scaled_dot_product_attention(q, k, v)
    return counter.get_total_flops()


seen = {kind.name: counted(kind) for kind in (SDPBackend.MATH, SDPBackend.FLASH_ATTENTION)}
print("torch", torch.__version__, "by hand", by_hand, seen)
assert seen == {"MATH": by_hand, "FLASH_ATTENTION": 0}, "this has changed"
PY
