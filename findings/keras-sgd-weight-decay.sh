#!/usr/bin/env bash
# keras 3.15.1: `weight_decay` of every optimizer is decoupled, of SGD too: a step takes rate times decay of the weight,
# beside momentum. torch's SGD adds decay times weight to the gradient, so that with a momentum of 0.9 the weight
# shrinks ten times as fast. One would have guessed that SGD(0.1, momentum=0.9, weight_decay=...) is one rule in both,
# as it is of the ResNet paper: its decay of 1e-4 carried over to Keras is one of 1e-5, and loss curves are alike at
# first. (The other way round for Adam, where Keras has what torch calls AdamW.)
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 keras==3.15.1
export KERAS_BACKEND=torch
"$work/venv/bin/python" - <<'PY'
import keras
import numpy as np
import torch

STEPS, RATE, DECAY = 200, 0.1, 0.01


def by_keras(momentum):
    """A weight of 1 without a gradient, after so many steps."""
    weight = keras.Variable(np.ones(1, "float32"))
    optimizer = keras.optimizers.SGD(RATE, momentum=momentum, weight_decay=DECAY)
    optimizer.build([weight])
    for _ in range(STEPS):
        optimizer.apply([keras.ops.zeros(1)], [weight])
    return float(keras.ops.convert_to_numpy(weight)[0])


def by_torch(momentum):
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], RATE, momentum=momentum, weight_decay=DECAY)
    for _ in range(STEPS):
        weight.grad = torch.zeros(1)
        optimizer.step()
    return weight.item()


print("keras", keras.__version__, "torch", torch.__version__)
seen = {momentum: (by_keras(momentum), by_torch(momentum)) for momentum in (0.0, 0.9)}
for momentum, (keras_, torch_) in seen.items():
    print(f"momentum {momentum}: of a weight of 1 are left {keras_:.3f} by keras and {torch_:.3f} by torch")
alone = (1 - RATE * DECAY) ** STEPS
assert all(abs(each - alone) < 1e-3 for each in (*seen[0.0], seen[0.9][0])), "this has changed"
assert abs(seen[0.9][1] - 0.1204) < 1e-3, "this has changed"
PY
