#!/usr/bin/env bash
# torch 2.13.0: autocast keeps the low-precision copy that it made of a weight until its context ends, whatever happens
# to the weight. A step of an optimizer within the context, or weights that are put in for an EMA's, change nothing for
# the forward passes that follow there: they give the very numbers of before. One would have guessed that a forward pass
# reads the weights of the moment: a loop with one autocast around a whole epoch trains on gradients of its first
# weights without a word, and an evaluation within it scores the old net. With cache_enabled=False, or a context for
# each step, it reads them.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn

net = nn.Linear(4, 1, bias=False)
nn.init.ones_(net.weight)
x = torch.ones(1, 4)


def losses(**options):
    """Of three steps of SGD within one context: w = 1, each step takes 0.25 from each of four weights."""
    nn.init.ones_(net.weight)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25)
    found = []
    with torch.autocast("cpu", torch.bfloat16, **options):
        for _ in range(3):
            optimizer.zero_grad()
            loss = net(x).sum()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
    return found, net.weight.mean().item()


kept, fresh = losses(), losses(cache_enabled=False)
print("torch", torch.__version__)
print("losses of three steps, and the weight afterwards", *kept)
print("with cache_enabled=False                        ", *fresh)
assert kept == ([4.0, 4.0, 4.0], 0.25), "this has changed"
assert fresh == ([4.0, 3.0, 2.0], 0.25), "this has changed"
PY
