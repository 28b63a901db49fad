#!/usr/bin/env bash
# torch 2.13.0: load_state_dict(assign=True), by which a net from the meta device gets its weights, unties what was
# tied: each name becomes a parameter of its own. Of a file of torch.save the two still share their memory, have a
# gradient each, and an optimizer steps the one tensor twice; of a file without shared memory they are two tensors that
# drift apart. One would have guessed that which parameters are one is the module's matter, and what is loaded is
# values: so it is without `assign`. Number of parameters and size of a step of an embedding that is also the head
# change, and no key is missing.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import io

import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


torch.manual_seed(0)
start = Tied().state_dict()
file = io.BytesIO()
torch.save(start, file)


def loaded(assign, shared):
    """After a step of Adam: number of parameters, whether the two are equal, and how far the head has moved."""
    file.seek(0)
    state = torch.load(file) if shared else {name: value.clone() for name, value in start.items()}
    with torch.device("meta" if assign else "cpu"):
        net = Tied()
    missing = net.load_state_dict(state, assign=assign)
    assert not missing.missing_keys and not missing.unexpected_keys
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    tokens = torch.arange(10)
    nn.functional.cross_entropy(net(tokens), tokens.roll(1)).backward()
    optimizer.step()
    moved = (net.head.weight - start["head.weight"]).abs().mean().item()
    count = sum(weight.numel() for weight in net.parameters())
    return count, torch.equal(net.head.weight, net.embedding.weight), round(moved, 3)


print("torch", torch.__version__)
seen = {(assign, shared): loaded(assign, shared) for assign in (False, True) for shared in (True, False)}
for (assign, shared), found in seen.items():
    print(f"assign {assign!s:5} shared in the file {shared!s:5} parameters, equal, moved by", *found)
assert seen[False, True] == seen[False, False] == (40, True, 0.1)
assert seen[True, True][:2] == (80, True) and seen[True, True][2] > 0.11, "this has changed"
assert seen[True, False][:2] == (80, False), "this has changed"
PY
