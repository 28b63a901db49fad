#!/usr/bin/env bash
# torch 2.13.0: each pass over a DataLoader draws a number from the global generator, for the seeds of its workers,
# though it has no workers and shuffles nothing. One would have guessed that a loader without chance uses none: a run
# that is validated every epoch has another order of images, other crops and other dropout from there on than the same
# seed validated every second epoch, or at the end. With `generator=torch.Generator()` a loader draws from its own.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.utils.data import DataLoader

images = list(range(8))


def orders(validation, every):
    """Of the training images in four epochs of one seed, validated every so many epochs."""
    torch.manual_seed(0)
    training = DataLoader(images, batch_size=8, shuffle=True)
    found = []
    for epoch in range(4):
        found += [batch.tolist() for batch in training]
        if validation and epoch % every == 0:
            list(validation)
    return found


plain = DataLoader(images, batch_size=4, shuffle=False, num_workers=0)
apart = DataLoader(images, batch_size=4, shuffle=False, num_workers=0, generator=torch.Generator())
never, each, second, own = orders(None, 1), orders(plain, 1), orders(plain, 2), orders(apart, 1)
print("torch", torch.__version__)
for epoch, found in enumerate(zip(never, each, second, own)):
    print("epoch", epoch, *found)
assert never[0] == each[0] == second[0] and each[1] == second[1]
assert never[1:] != each[1:] and each[2:] != second[2:] and never[1:] != second[1:], "this has changed"
assert own == never, "this has changed"
PY
