#!/usr/bin/env bash
# torch 2.13.0: ChainedScheduler of a warm-up and a second schedule is their product only where the second makes its
# rate from the last one. LambdaLR, CosineAnnealingWarmRestarts and OneCycleLR make it from the first: put behind a
# LinearLR they write over the warm-up, which is gone from the first step, and put before it the warm-up multiplies the
# unwarmed rate by what it should have grown by, so that the second step has 2.7 times the highest rate that was asked
# for. One would have guessed the product for all that may be chained, as for CosineAnnealingLR, PolynomialLR and
# MultiStepLR, or an error: a run with warm-up diverges in its first epoch, or trains without one, and nothing is said.
# A LambdaLR of the product is right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as kinds

STEPS, WARM = 12, 5


def rates(*made):
    """Of each step: of one schedule, or of several in a chain."""
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    each = [make(optimizer) for make in made]
    schedule = kinds.ChainedScheduler(each) if len(each) > 1 else each[0]
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return torch.tensor(found, dtype=torch.float64)


def warmup(optimizer):
    return kinds.LinearLR(optimizer, 0.1, total_iters=WARM)


chained = {
    "CosineAnnealingLR": lambda o: kinds.CosineAnnealingLR(o, STEPS),
    "PolynomialLR": lambda o: kinds.PolynomialLR(o, STEPS),
    "MultiStepLR": lambda o: kinds.MultiStepLR(o, [3, 8]),
}
written_over = {
    "LambdaLR": lambda o: kinds.LambdaLR(o, lambda step: 1 - step / STEPS),
    "CosineAnnealingWarmRestarts": lambda o: kinds.CosineAnnealingWarmRestarts(o, STEPS),
}
print("torch", torch.__version__)
for name, make in {**chained, **written_over}.items():
    alone, product = rates(make), rates(warmup) * rates(make)
    behind, before = rates(warmup, make), rates(make, warmup)
    for where, found in (("product", product), ("warm-up, schedule", behind), ("schedule, warm-up", before)):
        print(f"{name:28}{where:20}", *(f"{rate:.2f}" for rate in found.tolist()))
    if name in chained:
        assert torch.allclose(behind, product) and torch.allclose(before, product)
    else:
        assert torch.allclose(behind, alone), "this has changed"
        assert before[0] == product[0] and before[1] > 2.5 and product.max() < 0.7, "this has changed"

cycle = rates(warmup, lambda o: kinds.OneCycleLR(o, 1.0, STEPS, cycle_momentum=False))
assert torch.allclose(cycle, rates(lambda o: kinds.OneCycleLR(o, 1.0, STEPS, cycle_momentum=False))), "this has changed"
whole = rates(lambda o: kinds.LambdaLR(o, lambda step: (1 - step / STEPS) * min(1, 0.1 + 0.9 * step / WARM)))
assert torch.allclose(whole, rates(warmup) * rates(written_over["LambdaLR"]))
PY
