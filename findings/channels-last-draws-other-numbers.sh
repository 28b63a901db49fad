#!/usr/bin/env bash
# torch 2.13.0, the CPU's wheel: random numbers are drawn in the order of memory. Of one seed, a map in channels last
# has another dropout and another noise (`randn_like`) than the same map as it is by default, and a net that is turned
# to channels last before it is initialized has other first weights; normal draws of a filter or a map are other numbers
# altogether, not the same in another order. One would have guessed that a memory format changes time and no number: a
# comparison of the two by one seed compares two runs, and "the same seed" on a machine where channels last pays is
# another. Drawn in the default format and turned afterwards, the weights are the same.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch import nn
from torch.nn import functional as F

LAST = {"memory_format": torch.channels_last}
maps = torch.ones(4, 16, 8, 8)


def seeded(call, *given):
    torch.manual_seed(0)
    return call(*given).detach()


def initialized(turned_first):
    """Filters by Kaiming's rule, turned to channels last before or after."""
    conv = nn.Conv2d(16, 16, 3)
    conv = conv.to(**LAST) if turned_first else conv
    torch.manual_seed(0)
    nn.init.kaiming_normal_(conv.weight)
    return conv.to(**LAST).weight.detach()


draws = {
    "dropout": lambda x: F.dropout(x, 0.5),
    "randn_like": torch.randn_like,
    "rand_like": torch.rand_like,
    "normal_": lambda x: torch.empty_like(x).normal_(),
}
print("torch", torch.__version__)
for name, draw in draws.items():
    plain, last = seeded(draw, maps), seeded(draw, maps.to(**LAST))
    values = torch.equal(plain.flatten().sort().values, last.flatten().sort().values)
    print(f"{name:12} equal: {torch.equal(plain, last)}, the same numbers in another order: {values}")
    assert not torch.equal(plain, last), "this has changed"
    # in the order of memory
    assert values == (name in ("dropout", "rand_like")), "this has changed"
assert not torch.equal(initialized(True), initialized(False)), "this has changed"

# one dropped out channel is one number of each image: the same in both
whole = [seeded(lambda x: F.dropout2d(x, 0.5), x) for x in (maps, maps.to(**LAST))]
print("dropout2d    equal:", torch.equal(*whole))
assert torch.equal(*whole)
PY
