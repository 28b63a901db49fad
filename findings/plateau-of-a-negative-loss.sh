#!/usr/bin/env bash
# torch 2.13.0: ReduceLROnPlateau takes what is watched for better where it is below `best * (1 - 1e-4)`, or in "max"
# above `best * (1 + 1e-4)`. Of a negative number that is a worse one: a loss that stands at -100, or gets worse by less
# than that each epoch, is an improvement every time, and the learning rate never drops. One would have guessed that a
# constant is a plateau, whatever its sign, as it is at 100 and at 0: a run whose loss is a log-likelihood, an ELBO or a
# cosine similarity trains at its first rate to the end, and its schedule is there in the log. `threshold_mode="abs"` is
# right for both signs.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau


def drops(values, **how):
    """How often the rate is divided by ten."""
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = ReduceLROnPlateau(optimizer, patience=2, **how)
    rates = []
    for value in values:
        schedule.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    return sum(before > after for before, after in zip([1.0, *rates], rates))


print("torch", torch.__version__)
epochs = range(30)
cases = {
    "constant 100": ([100.0] * 30, "min", 8),
    "constant 0": ([0.0] * 30, "min", 8),
    "constant -100": ([-100.0] * 30, "min", 0),
    "-100, worse by 0.005 an epoch": ([-100 + 0.005 * epoch for epoch in epochs], "min", 0),
    "constant -100, larger is better": ([-100.0] * 30, "max", 0),
    "-100, smaller by 0.005 an epoch, larger is better": ([-100 - 0.005 * epoch for epoch in epochs], "max", 0),
}
for name, (values, mode, expected) in cases.items():
    relative, absolute = drops(values, mode=mode), drops(values, mode=mode, threshold_mode="abs")
    print(f"{name:50} {relative} drops by default, {absolute} by an absolute threshold")
    assert (relative > 5) == (expected > 0), "this has changed"
    assert relative > 5 or relative == 0, "this has changed"
    assert absolute > 5
PY
