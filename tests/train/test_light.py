"""A run that compiles nothing loads nothing of torch's compiler, which is half of torch's start-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from resgraph.train.engine.optimizer import step_light

SCRIPT = """
import sys
from pathlib import Path
import resgraph
from resgraph.train import Options, Silent, build

plan = resgraph.load("digits", ["train.epochs=1"])
build(plan, out=Path(sys.argv[1]), options=Options(device="cpu"), reporter=Silent())
print([name for name in ("torch._dynamo", "torch._inductor", "sklearn") if name in sys.modules])
"""


def test_an_eager_build_loads_no_compiler_and_no_scikit_learn(
    tmp_path: Path,
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"


NO_RUN = """
import sys
from pathlib import Path
from resgraph import RunError, train

asks = train.resume, train.evaluate, train.profile, lambda run: train.predict(run, [])
for ask in asks:
    try:
        ask(Path(sys.argv[1]))
    except RunError as error:
        assert "it has no run.json" in str(error)
    else:
        raise AssertionError(ask)
print("torch" in sys.modules)
"""


def test_what_is_no_run_is_told_without_torch(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", NO_RUN, str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "False\n"


SEARCHED = """
import gc
import resgraph.plan
from resgraph.train import _need_torch

gc.callbacks.append(lambda phase, _: print(phase))
_need_torch()
gc.callbacks.clear()
"""


def test_torch_is_loaded_without_searches_for_garbage() -> None:
    found = subprocess.run(
        [sys.executable, "-c", SEARCHED],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.count("start") <= 1, "one, once it is there"


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_a_light_step_is_the_same_step(
    kind: type[torch.optim.Optimizer],
) -> None:
    after = []
    for light in (False, True):
        weight = nn.Parameter(torch.arange(6.0))
        optimizer = kind([weight], lr=0.1)  # type: ignore[call-arg]
        if light:
            step_light(optimizer)
        for _ in range(3):
            weight.grad = weight.detach().cos()
            optimizer.step()
        after.append(weight.detach().clone())
        assert weight.requires_grad and torch.is_grad_enabled()
    assert torch.equal(*after) and not torch.equal(
        after[0], torch.arange(6.0)
    )
