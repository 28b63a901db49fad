#!/usr/bin/env bash
# keras 3.15.1: with `gradient_accumulation_steps` an optimizer's schedule of the learning rate counts batches, not
# steps: of 4 batches a step it has run out after a quarter of the training. One would have guessed that it counts
# steps, as `iterations` of the same optimizer does, which is 6 after 24 batches: a cosine that was planned in steps
# ends at the first quarter, and the rest trains at a rate of 0, or at its last. The step itself is the mean over the
# four, as it should be. A schedule over four times as many steps is right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 keras==3.15.1
KERAS_BACKEND=torch "$work/venv/bin/python" - <<'PY'
import keras
import numpy as np
import torch


def trained(batches, last=5, **options):
    """Weight after each step along a gradient of 1, by a rate of 1 that is 0 behind a number the schedule counts."""
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([last], [1.0, 0.0])
    weight = keras.Variable(np.zeros(1, "float32"))
    optimizer = keras.optimizers.SGD(rate, **options)
    optimizer.build([weight])
    found = [0.0]
    for _ in range(batches):
        optimizer.apply([torch.ones(1)])
        if float(weight.value[0]) != found[-1]:
            found.append(float(weight.value[0]))
    return found, int(optimizer.iterations)


plain, each = trained(24)
grouped, steps = trained(24, gradient_accumulation_steps=4)
print("keras", keras.__version__, "torch", torch.__version__)
print("24 batches, a step each:  ", plain, "iterations", each)
print("24 batches, a step of four", grouped, "iterations", steps)
assert (plain[-1], each, steps) == (-6.0, 24, 6)
assert grouped == [0.0, -1.0], "this has changed"
assert trained(24, last=23, gradient_accumulation_steps=4)[0] == plain
PY
