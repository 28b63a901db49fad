#!/usr/bin/env bash
# torch 2.13.0: torch.export keeps `torch.no_grad()` of a forward in the graph (`wrap_with_set_grad_enabled`), and nothing
# of `torch.inference_mode()`: the exported program of a frozen part has outputs that require gradients, and its weights
# learn. One would have guessed that the stricter of the two is kept at least as well, or refused.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn

assert torch.__version__.startswith("2.13.0"), torch.__version__


class Frozen(nn.Module):
    def __init__(self, without):
        super().__init__()
        self.without, self.layer = without, nn.Linear(4, 2)

    def forward(self, x):
        with self.without():
            return self.layer(x)


found = {}
for without in (torch.no_grad, torch.inference_mode):
    net, x = Frozen(without), torch.ones(3, 4)
    program = torch.export.export(net, (x,), strict=False)
    ops = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    learns = program.module()(x).requires_grad
    print(f"{without.__name__}: eager requires_grad {net(x).requires_grad}, exported {learns}, graph {ops}")
    assert not net(x).requires_grad
    found[without.__name__] = learns
if found != {"no_grad": False, "inference_mode": True}:
    raise SystemExit("this has changed")
PY
