#!/usr/bin/env bash
# torch 2.13.0: a BatchNorm within torch.utils.checkpoint moves its running statistics twice a training step, in the
# forward pass and again when it is repeated for the backward pass, reentrant or not. One would have guessed that a
# trade of time for memory changes no number: loss and gradients are the same to the bit, so that no test of them shows
# it, and the net that is evaluated is another: a momentum of 0.1 acts as 0.19. A momentum of 1 - sqrt(1 - m) makes up
# for it.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

x = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))


def step(run, momentum=0.1):
    """One of training: the loss, a gradient and the norm behind it."""
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, momentum=momentum), nn.ReLU())
    loss = run(block, x.clone().requires_grad_()).square().sum()
    loss.backward()
    return loss, block[0].weight.grad, block[1]


plain = step(lambda block, x: block(x))
kinds = {"reentrant": True, "not reentrant": False}
print("torch", torch.__version__, "plain", plain[2].running_var.tolist())
for kind, reentrant in kinds.items():
    again = step(lambda block, x: checkpoint(block, x, use_reentrant=reentrant))
    made_up = step(lambda block, x: checkpoint(block, x, use_reentrant=reentrant), 1 - 0.9**0.5)
    print(kind, again[2].running_var.tolist(), int(again[2].num_batches_tracked), "batches")
    assert torch.equal(again[0], plain[0]) and torch.equal(again[1], plain[1])
    moved, twice = plain[2].running_var - 1, again[2].running_var - 1
    assert again[2].num_batches_tracked == 2 and torch.allclose(twice, 1.9 * moved), "this has changed"
    assert torch.allclose(made_up[2].running_var, plain[2].running_var), "this has changed"
PY
