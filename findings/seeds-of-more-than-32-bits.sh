#!/usr/bin/env bash
# torch 2.13.0: torch.manual_seed takes any seed of 64 bits, `initial_seed` gives it back whole, and the CPU's generator
# draws by its lower 32 alone: seeds that are a multiple of 2**32 apart give the same weights, the same order of images
# and the same dropout. One would have guessed another stream for another number, as Python and numpy have it, or an
# error: runs seeded by `fold << 32 | seed`, a job's number in the upper half, are one run, and their spread is a part
# of what it is. A seed below 2**32 is safe: numpy.random.SeedSequence mixes several numbers into one.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import random

import numpy as np
import torch
from torch import nn


def drawn(seed):
    """First weights, dropout, and an order from a generator of its own."""
    torch.manual_seed(seed)
    assert torch.initial_seed() == seed
    weights = nn.Conv2d(3, 8, 3).weight.detach().flatten()
    dropped = nn.functional.dropout(torch.ones(100))
    order = torch.randperm(100, generator=torch.Generator().manual_seed(seed))
    return torch.cat([weights, dropped, order]).tolist()


def mixed(fold, seed):
    return int(np.random.SeedSequence([fold, seed]).generate_state(1)[0])


folds = range(5)
seen = {
    "torch, fold << 32 | 7": [drawn(fold << 32 | 7) for fold in folds],
    "torch, fold << 16 | 7": [drawn(fold << 16 | 7) for fold in folds],
    "torch, mixed": [drawn(mixed(fold, 7)) for fold in folds],
    "numpy, fold << 32 | 7": [np.random.default_rng(fold << 32 | 7).random(3).tolist() for fold in folds],
    "Python, fold << 32 | 7": [random.Random(fold << 32 | 7).random() for fold in folds],
}
streams = {name: len({str(one) for one in each}) for name, each in seen.items()}
print("torch", torch.__version__, "streams of 5 folds:", streams)
assert list(streams.values()) == [1, 5, 5, 5, 5], "this has changed"
PY
