#!/usr/bin/env bash
# torch 2.13.0, the CPU's wheel: each torch.manual_seed writes the stack of its caller out as text three times, for CUDA,
# XPU and MTIA, which such a wheel does not have: the text would tell where a call was put off until the device starts,
# and of calls that set a seed only the last is kept. At 30 frames that is thousands of calls of Python, some 0.2 ms, and
# it grows with the depth. One would have guessed that a seed costs nothing, and that a program may set one each step.
# torch.default_generator.manual_seed sets the CPU's alone, to the same numbers, in a call or two.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import cProfile
import pstats

import torch


def calls(seed, depth):
    """Of Python, by one seed that is set so many frames down."""
    if depth:
        return calls(seed, depth - 1)
    with cProfile.Profile() as profile:
        seed(1)
    return pstats.Stats(profile).total_calls


assert not torch.cuda.is_available()
everywhere, here = torch.manual_seed, torch.default_generator.manual_seed
numbers = []
for seed in (everywhere, here):
    seed(1)
    numbers.append(torch.rand(3))
assert torch.equal(*numbers)
seen = {
    "manual_seed, 5 frames": calls(everywhere, 5),
    "manual_seed, 30 frames": calls(everywhere, 30),
    "default_generator.manual_seed, 30 frames": calls(here, 30),
}
print("torch", torch.__version__, seen)
shallow, deep, alone = seen.values()
assert deep > 1000 and deep > 2 * shallow and alone < 10, "this has changed"
PY
