#!/usr/bin/env bash
# torch 2.13.0: nn.TransformerEncoderLayer (batch_first) takes a fused path in evaluation without gradients, which reads
# the weights of linear1 and linear2 and calls neither. What was put in their place is left out there: an adapter (LoRA)
# as a subclass of nn.Linear counts in training and while gradients are on, and is gone under no_grad, without a word.
# One would have guessed that a module's own children are called: the net that is scored is another than the one that
# was trained. (A forward hook turns the path off, a subclass doesn't.)
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn


class Adapted(nn.Linear):
    """A linear layer that adds 1, as an adapter adds its part."""

    def forward(self, x):
        return super().forward(x) + 1


torch.manual_seed(0)
plain = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
adapted = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
adapted.linear1 = Adapted(8, 16)
adapted.load_state_dict(plain.state_dict())
x = torch.randn(1, 3, 8)
with_gradients = (adapted(x) - plain(x)).abs().max().item()
with torch.no_grad():
    without = (adapted(x) - plain(x)).abs().max().item()
    adapted.linear1.register_forward_hook(lambda *_: None)
    hooked = (adapted(x) - plain(x)).abs().max().item()
print("torch", torch.__version__, f"the adapter's part: {with_gradients:.2f} with gradients, {without:.6f} without,",
      f"{hooked:.2f} without but with a hook")
assert with_gradients > 0.1 and without < 1e-5 and hooked > 0.1, "this has changed"
PY
