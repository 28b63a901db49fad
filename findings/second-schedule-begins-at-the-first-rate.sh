#!/usr/bin/env bash
# torch 2.13.0: the first schedule of an optimizer writes the learning rate that it finds to `initial_lr` in the groups,
# and a later one keeps what is there. So where a second phase sets `group["lr"]` to a hundredth and makes a LambdaLR or
# a CosineAnnealingWarmRestarts, that starts from the first phase's rate, a hundred times what was set; LinearLR,
# StepLR, PolynomialLR and CosineAnnealingLR start from the new one. One would have guessed that each starts from the
# rate that stands in the optimizer: the fine-tuning that was to be gentle destroys the net. `initial_lr` goes through
# the optimizer's `state_dict` too, so that it happens across processes. Setting it beside `lr` puts it right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as kinds

FIRST, SECOND = 1.0, 0.01
parameter = torch.nn.Parameter(torch.zeros(1))
makes = {
    "LambdaLR": lambda o: kinds.LambdaLR(o, lambda step: 1.0),
    "CosineAnnealingWarmRestarts": lambda o: kinds.CosineAnnealingWarmRestarts(o, 10),
    "LinearLR": lambda o: kinds.LinearLR(o, 1.0, 0.1, 10),
    "StepLR": lambda o: kinds.StepLR(o, 5),
    "PolynomialLR": lambda o: kinds.PolynomialLR(o, 10),
    "CosineAnnealingLR": lambda o: kinds.CosineAnnealingLR(o, 10),
}


def begun(make, *, saved=False, both=False):
    """The first rate of a second phase, behind a first one with a schedule of its own."""
    optimizer = SGD([parameter], lr=FIRST)
    schedule = kinds.CosineAnnealingLR(optimizer, 10)
    for _ in range(10):
        optimizer.step()
        schedule.step()
    if saved:  # momentum and the like are taken over, by another process
        state = optimizer.state_dict()
        optimizer = SGD([parameter], lr=SECOND)
        optimizer.load_state_dict(state)
    for group in optimizer.param_groups:
        group["lr"] = SECOND
        if both:
            group["initial_lr"] = SECOND
    make(optimizer)
    return optimizer.param_groups[0]["lr"]


print("torch", torch.__version__, f"set to {SECOND} behind a first phase from {FIRST}")
for name, make in makes.items():
    found = begun(make), begun(make, saved=True), begun(make, both=True)
    print(f"{name:28}", "in one process {:.2f}, from a checkpoint {:.2f}, with initial_lr {:.2f}".format(*found))
    expected = FIRST if name in ("LambdaLR", "CosineAnnealingWarmRestarts") else SECOND
    assert found[0] == found[1] == expected, "this has changed"
    assert found[2] == SECOND
PY
