#!/usr/bin/env bash
# torch 2.13.0: making a plain SGD imports torch._dynamo and sympy, though nothing is compiled: the decorator that keeps
# methods of an optimizer out of graphs loads the compiler to say so. One would have guessed that a program which never
# calls torch.compile never loads it; it costs a short run more CPU time than its first steps.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys
import time

import torch

COMPILER = {"torch._dynamo", "sympy"}
layer = torch.nn.Linear(2, 2)
layer(torch.ones(1, 2)).sum().backward()
before = COMPILER & sys.modules.keys()
start = time.process_time()
torch.optim.SGD(layer.parameters(), lr=0.1)
took = time.process_time() - start
print("torch", torch.__version__, sorted(before), sorted(COMPILER & sys.modules.keys()), f"{took:.1f} s of CPU")
assert not before and COMPILER <= sys.modules.keys(), "this has changed"
PY
