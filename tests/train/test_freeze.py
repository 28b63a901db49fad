"""What is frozen does not move by a bit: SHA-256 of its tensors, running statistics too, before and
after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from forked import worker
from safetensors.torch import save_file
from starting import digest, plan, spec, trained, weights
from torch import nn

import resgraph
from resgraph.language.recipe.steps import Ema
from resgraph.train import Options, resume
from resgraph.train.engine.ema import EmaModel
from resgraph.train.engine.freeze import freeze

FROZEN = ("conv1", "conv2")
LINES = ("weights: old.safetensors", f"freeze: [{', '.join(FROZEN)}]")


@pytest.fixture
def source(tmp_path: Path) -> dict[str, torch.Tensor]:
    """Weights that no seed gives, with a negative zero, whose sign a sum would lose."""
    torch.manual_seed(1)
    state = plan(tmp_path / "old.yaml").module().state_dict()
    for value in state.values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    state["conv1.conv.weight"][0, 0] = -0.0
    save_file(state, tmp_path / "old.safetensors")
    return state


CASES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "weight decay": ((), {}),
    "accumulated": (("accumulate: 2", "clip: 1.0"), {}),
    "adamw": ((), {}),
    "average": (("ema: {decay: 0.9}",), {}),
    "recomputed": ((), {"checkpointing": "on"}),
    "bf16": (("ema: {decay: 0.9, every: 2}",), {"precision": "bf16"}),
    "compiled": (("ema: {decay: 0.9}",), {"compile": "on"}),
}


OPTIMIZERS = {
    "adamw": ["train.optimizer={name: adamw, lr: 0.01, weight_decay: 0.5}"],
}


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow)
        if case == "compiled"
        else case
        for case in CASES
    ],
)
def test_frozen_bits_do_not_move(
    tmp_path: Path, source: dict[str, torch.Tensor], case: str
) -> None:
    lines, options = CASES[case]
    file = spec(tmp_path / "new.yaml", *LINES, *lines)
    net = resgraph.load(file, OPTIMIZERS.get(case, ()))
    trained(net, tmp_path / "run", **options)
    used = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    assert used["optimizer"]["name"] == (
        "adamw" if case == "adamw" else "sgd"
    )
    after = weights(tmp_path / "run")
    assert digest(after, *FROZEN) == digest(source, *FROZEN)
    newest = max((tmp_path / "run" / "checkpoints").glob("*.pt"))
    saved = torch.load(newest, weights_only=True)
    assert digest(saved["net"], *FROZEN) == digest(source, *FROZEN)
    moved = [name for name in after if not name.startswith(FROZEN)]
    assert not any(torch.equal(after[name], source[name]) for name in moved)


def test_a_resume_keeps_them_too(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    net = plan(tmp_path / "new.yaml", *LINES, "ema: {decay: 0.9}")
    trained(net, tmp_path / "whole")
    trained(net, tmp_path / "cut", minutes=1e-9)
    resume(tmp_path / "cut", options=Options(threads=1))
    after = weights(tmp_path / "cut")
    assert digest(after, *FROZEN) == digest(source, *FROZEN)
    rows = {name.split(".")[0] for name in after}
    assert digest(after, *rows) == digest(
        weights(tmp_path / "whole"), *rows
    )


@pytest.mark.parametrize(
    "sharding", ["off", pytest.param("on", marks=pytest.mark.slow)]
)
def test_so_do_two_processes(
    tmp_path: Path, source: dict[str, torch.Tensor], sharding: str
) -> None:
    lines = (*LINES, "ema: {decay: 0.9}", "accumulate: 2")
    file = spec(tmp_path / "new.yaml", *lines)
    (ended,) = worker(
        {
            "launches": [
                {
                    "ranks": 2,
                    "number": 0,
                    "out": str(tmp_path / "run"),
                    "recipe": {},
                    "real": str(file),
                    "sharding": sharding,
                }
            ]
        }
    )
    assert [code for code, _ in ended] == [0, 0], ended
    after = weights(tmp_path / "run")
    assert digest(after, *FROZEN) == digest(source, *FROZEN)
    assert not torch.equal(after["head.1.weight"], source["head.1.weight"])


def test_all_but_the_head_leaves_the_head(
    tmp_path: Path, source: dict[str, torch.Tensor]
) -> None:
    trained(
        plan(tmp_path / "new.yaml", LINES[0], "freeze: all but head"),
        tmp_path / "run",
    )
    after = weights(tmp_path / "run")
    body = {name.split(".")[0] for name in after} - {"head"}
    assert digest(after, *body) == digest(source, *body)
    assert not torch.equal(after["head.1.weight"], source["head.1.weight"])


def test_a_norm_stays_in_evaluation_in_copies_too(tmp_path: Path) -> None:
    net = plan(tmp_path / "net.yaml").module()
    names = freeze(net, ("conv2.body",))
    assert names == {
        n for n in net.state_dict() if n.startswith("conv2.body.")
    }
    for model in (net, EmaModel(Ema(decay=0.5), net, names).net):
        model.train()
        modes = {
            name: module.training
            for name, module in model.named_modules()
            if isinstance(module, nn.BatchNorm2d)
        }
        assert {
            name for name, training in modes.items() if not training
        } == {name for name in modes if name.startswith("conv2.body.")}
    assert not any(p.requires_grad for p in net.conv2.body.parameters())
    assert all(p.requires_grad for p in net.head.parameters())


def test_without_freezing_nothing_is_marked() -> None:
    net = resgraph.load("digits").module()
    assert freeze(net, ()) == frozenset()
    assert all(p.requires_grad for p in net.parameters())
