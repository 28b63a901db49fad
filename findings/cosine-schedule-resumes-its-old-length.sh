#!/usr/bin/env bash
# torch 2.13.0: a scheduler's state_dict holds what it was made with, and load_state_dict writes that over what the new
# one was made with. CosineAnnealingLR(T_max=20) that goes on from a run of 10 epochs has a T_max of 10 again: at the
# end of its cosine the learning rate climbs back to where it began, and the longer run ends at its highest. One would
# have guessed that a checkpoint holds where a run stands, and the program says how long it is. LinearLR, PolynomialLR,
# MultiStepLR and SequentialLR keep the old length too. Setting `T_max` behind the load is no cure: the next rate is
# made from the last, which is 0 at the end, and stays 0. A LambdaLR follows the new length, as functions are not saved.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import warnings
from math import cos, pi

import torch
from torch.optim import lr_scheduler as kinds

OLD, NEW = 10, 20
warnings.simplefilter("ignore")  # SequentialLR's of its own calls


def whole(epoch, epochs):
    return (1 + cos(pi * epoch / epochs)) / 2


makers = {
    "CosineAnnealingLR": lambda optimizer, epochs: kinds.CosineAnnealingLR(optimizer, epochs),
    "LinearLR": lambda optimizer, epochs: kinds.LinearLR(optimizer, 1.0, 0.1, epochs),
    "PolynomialLR": lambda optimizer, epochs: kinds.PolynomialLR(optimizer, epochs),
    "MultiStepLR": lambda optimizer, epochs: kinds.MultiStepLR(optimizer, [epochs // 2, epochs * 3 // 4]),
    "SequentialLR": lambda optimizer, epochs: kinds.SequentialLR(
        optimizer,
        [kinds.LinearLR(optimizer, 0.1, 1.0, 2), kinds.CosineAnnealingLR(optimizer, epochs - 2)],
        milestones=[2],
    ),
    "LambdaLR": lambda optimizer, epochs: kinds.LambdaLR(optimizer, lambda epoch: whole(epoch, epochs)),
}


def rates(make, epochs, state=None, count=NEW, then=None):
    """The learning rate of each epoch that follows, and the state at the end."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer, epochs)
    if state:
        scheduler.load_state_dict(state[0])
        optimizer.load_state_dict(state[1])
    if then:
        scheduler.T_max = then
    found = []
    for _ in range(count):
        optimizer.step()
        scheduler.step()
        found.append(round(scheduler.get_last_lr()[0], 3))
    return found, (scheduler.state_dict(), optimizer.state_dict())


print("torch", torch.__version__)
as_old = {}
for name, make in makers.items():
    first, state = rates(make, OLD, count=5)
    longer, _ = rates(make, NEW, state, count=NEW - 5)
    never_changed, _ = rates(make, OLD)
    as_old[name] = first + longer == never_changed
    print(f"{name:18} of {OLD} epochs, stopped after 5, of {NEW} from there: {longer}")
assert as_old.pop("LambdaLR") is False and all(as_old.values()), "this has changed"

first, state = rates(makers["CosineAnnealingLR"], OLD, count=OLD)
longer, _ = rates(makers["CosineAnnealingLR"], NEW, state, count=NEW - OLD)
print("CosineAnnealingLR, begun again at its end:", longer)
assert longer == sorted(longer) and longer[-1] == 1.0, "this has changed"
told, _ = rates(makers["CosineAnnealingLR"], NEW, state, count=NEW - OLD, then=NEW)
print("with T_max set after loading:", told)
assert not any(told), "this has changed"
PY
