"""A run that compiles nothing loads nothing of torch's compiler, which is half of torch's start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from resgraph.train.engine.optimizer import step_light

SCRIPT = """
import gc, json, sys
from pathlib import Path
import resgraph
from resgraph.train import Options, Silent, _need_torch, build

plan = resgraph.load("digits", ["train.epochs=none", "train.iterations=3"])
assert "torch" not in sys.modules
phases = []
gc.callbacks.append(lambda phase, _: phases.append(phase))
_need_torch()
gc.callbacks.clear()
build(plan, out=Path(sys.argv[1]), options=Options(device="cpu"), reporter=Silent())
print(json.dumps([phases, [*sys.modules]]))
"""


@pytest.fixture(scope="module")
def eager(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[list[str], set[str]]:
    """What is heard of searches for garbage while torch is loaded, and every module after a build."""
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            SCRIPT,
            tmp_path_factory.mktemp("a") / "run",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    phases, modules = json.loads(found.stdout)
    return phases, set(modules)


def test_an_eager_build_loads_no_compiler_and_no_scikit_learn(
    eager: tuple[list[str], set[str]],
) -> None:
    assert "torch" in eager[1]
    assert not eager[1] & {"torch._dynamo", "torch._inductor", "sklearn"}


def test_torch_is_loaded_without_searches_for_garbage(
    eager: tuple[list[str], set[str]],
) -> None:
    assert eager[0].count("start") <= 1, "one, once it is there"


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
