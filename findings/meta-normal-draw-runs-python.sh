#!/usr/bin/env bash
# torch 2.13.0: on the meta device, where no tensor has memory, `normal_` goes through torch's reference implementations
# in Python, more than a thousand calls a time, and `exponential_` too; `zero_`, `random_` and `bernoulli_` are done in
# a few. One would have guessed that nothing is drawn where nothing is kept: kaiming_normal_ for each layer is a good
# part of what it takes to make a net on the meta device, which is meant to be fast.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import cProfile
import pstats

import torch
from torch import nn

weight = torch.empty(64, 64, 3, 3, device="meta")
fills = {
    "normal_": weight.normal_,
    "kaiming_normal_": lambda: nn.init.kaiming_normal_(weight),
    "bernoulli_": lambda: weight.bernoulli_(0.5),
    "zero_": weight.zero_,
    "random_": weight.random_,
    "exponential_": weight.exponential_,
}
calls = {}
for name, fill in fills.items():
    fill()  # what is imported once
    with cProfile.Profile() as profile:
        fill()
    calls[name] = pstats.Stats(profile).total_calls
print("torch", torch.__version__, calls)
slow = {name for name, count in calls.items() if count > 500}
quick = {name for name, count in calls.items() if count < 50}
assert slow == {"normal_", "kaiming_normal_", "exponential_"}, "this has changed"
assert slow | quick == set(calls), "this has changed"
PY
