#!/usr/bin/env bash
# torch 2.13.0: torch.fx.experimental.optimization.fuse folds each BatchNorm into the conv before it, and where one conv
# is called twice, with a norm of its own behind each call, it folds both into the one: either call then gives the
# conv, the one norm and the other. One would have guessed that such a pair is left alone, as it is where two norms read
# one call: a detection head that levels share, with norms that they do not, gives other numbers in evaluation, of the
# right shape, without a word. With a copy of the conv for each norm the numbers stay.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
from copy import deepcopy

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse


class Head(nn.Module):
    """Of two levels: `convs` are one conv in two places, or two with the same weights."""

    def __init__(self, shared):
        super().__init__()
        conv = nn.Conv2d(3, 4, 3)
        self.convs = nn.ModuleList([conv, conv if shared else deepcopy(conv)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])

    def forward(self, fine, coarse):
        return self.norms[0](self.convs[0](fine)), self.norms[1](self.convs[1](coarse))


class OneCall(Head):
    """Two norms of one map."""

    def forward(self, fine, coarse):
        return (self.norms[0](y := self.convs[0](fine)), self.norms[1](y))


@torch.no_grad()
def maps(kind, shared):
    """Of the net as it is, of the fused one, and the net."""
    torch.manual_seed(0)
    net = kind(shared).eval()
    for norm in net.norms:
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 3)
    images = torch.randn(2, 3, 16, 16), torch.randn(2, 3, 8, 8)
    return net(*images), fuse(net)(*images), net


def same(one, other):
    return [torch.allclose(a, b, atol=1e-5) for a, b in zip(one, other)]


seen = {}
for name, kind, shared in (("shared", Head, True), ("copies", Head, False), ("one call", OneCall, True)):
    plain, fused, net = maps(kind, shared)
    seen[name] = same(plain, fused)
    print("torch", torch.__version__, name, "the numbers stay:", seen[name])
    if name == "shared":
        with torch.no_grad():
            both = net.norms[1](plain[0]), net.norms[1](net.norms[0](net.convs[1](torch.zeros(1, 3, 8, 8))))
        assert torch.allclose(fused[0], both[0], atol=1e-5), "this has changed"
assert seen == {"shared": [False, False], "copies": [True, True], "one call": [True, True]}, "this has changed"
PY
