"""Muon against torch's own, on convolutions, in runs; and rates that parts of a net have for themselves."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file
from torch import nn

import resgraph
from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.steps import AdamW, Muon, Sgd
from resgraph.passes.fine_tune.matrices import matrix_layers
from resgraph.train import Options, build, resume
from resgraph.train.engine.muon import MuonOptimizer, orthogonal
from resgraph.train.engine.optimizer import (
    load_optimizer,
    make_optimizer,
    set_lr,
)
from resgraph.train.engine.schedule import LearningRates

PLAIN: dict[str, Any] = {
    "lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "iterations": 5,
    "adjust": "rows", "unit": False,
}  # fmt: skip


def stepped(
    weight: torch.Tensor, grads: list[torch.Tensor], **changes: Any
) -> torch.Tensor:
    parameter = nn.Parameter(weight.clone())
    optimizer = MuonOptimizer(
        [{"params": [parameter]}], **(PLAIN | changes)
    )
    for grad in grads:
        parameter.grad = grad.clone()
        optimizer.step()
    return parameter.detach()


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (7, 7)])
@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize(
    ("adjust", "theirs"),
    [("rows", "original"), ("adamw", "match_rms_adamw")],
)
def test_on_matrices_it_is_torchs_bit_for_bit(
    shape: tuple[int, int], nesterov: bool, adjust: str, theirs: str
) -> None:
    weight = drawn(*shape)
    grads = [drawn(*shape, seed=s) for s in range(1, 6)]
    other = nn.Parameter(weight.clone())
    optimizer = torch.optim.Muon(
        [other], 0.02, weight_decay=0.1, momentum=0.9, nesterov=nesterov, adjust_lr_fn=theirs
    )  # fmt: skip
    for grad in grads:
        other.grad = grad.clone()
        optimizer.step()
    ours = stepped(weight, grads, nesterov=nesterov, adjust=adjust)
    assert torch.equal(ours, other.detach())


def test_a_convolution_is_a_matrix_with_a_row_for_each_filter() -> None:
    weight = drawn(6, 4, 3, 3)
    grads = [drawn(6, 4, 3, 3, seed=s) for s in (1, 2, 3)]
    ours = stepped(weight, grads)
    flat = stepped(weight.view(6, 36), [grad.view(6, 36) for grad in grads])
    assert torch.equal(ours.view(6, 36), flat)
    last = [grad.to(memory_format=torch.channels_last) for grad in grads]
    layout = stepped(weight.to(memory_format=torch.channels_last), last)
    assert torch.equal(layout, ours), "whatever the memory format"


def test_singular_values_come_near_1() -> None:
    for shape in ((16, 40), (40, 16)):
        values = torch.linalg.svdvals(orthogonal(drawn(*shape), 5).float())
        assert values.min() > 0.6 and values.max() < 1.3


def test_unit_rows_and_the_plain_rate_are_airbenchs() -> None:
    """p ← p √rows / ‖p‖, then p ← p - lr · NS(g): by hand, for a first step."""
    weight, grad = drawn(8, 12), drawn(8, 12, seed=1)
    ours = stepped(
        weight, [grad], unit=True, adjust="plain", weight_decay=0.0, iterations=3, lr=0.24
    )  # fmt: skip
    by_hand = (
        weight * 8**0.5 / weight.norm() - 0.24 * orthogonal(grad, 3).float()
    )
    torch.testing.assert_close(ours, by_hand, atol=2e-3, rtol=0)


NET = """name: n
input: 1x8x8
net:
  conv1: 3x3 conv 4
  conv2: [3x3 conv 8 /2, 3x3 depthwise conv, 1x1 conv 8]
  neck: [global avg pool, fc 6, relu]
  head: fc 10
"""
MUON = "{name: muon, lr: 0.02, others: {name: sgd, lr: 0.1, weight_decay: 1e-4, no_decay: [norm]}}"
TRAIN = f"train: {{recipe: digits, optimizer: {MUON}, epochs: 2, ema: {{decay: 0.9}}}}\n"


def test_hidden_matrices_are_muons_and_the_rest_is_the_others() -> None:
    plan = resgraph.loads(NET + TRAIN)
    net = plan.module()
    names = {p: name for name, p in net.named_parameters()}
    optimizer = make_optimizer(
        plan.spec.train.optimizer, net, plan, fused=False
    )
    taken = [
        {names[p] for p in g["params"]} for g in optimizer.param_groups
    ]
    weights = {f"{name}.weight" for name in matrix_layers(plan.graph)}
    assert taken[0] == weights
    assert {name.split(".")[0] for name in weights} == {
        "conv1",
        "conv2",
        "neck",
    }
    assert "head.weight" not in weights and len(weights) == 5
    assert set().union(*taken) == set(names.values()), (
        "every parameter once"
    )
    assert sum(map(len, taken)) == len(names)
    set_lr(optimizer, 0.01)
    rates = {round(group["lr"], 9) for group in optimizer.param_groups}
    assert rates == {0.01, 0.05}, (
        "the others' rate follows, in its proportion"
    )


def test_the_kernels_of_a_mixed_convolution_are_matrices() -> None:
    mixed = NET.replace("depthwise conv", "depthwise conv mixed 2")
    plan = resgraph.loads(mixed + TRAIN)
    net = plan.module()
    optimizer = make_optimizer(
        plan.spec.train.optimizer, net, plan, fused=False
    )
    shapes = {
        tuple(weight.shape)
        for weight in optimizer.param_groups[0]["params"]
    }
    assert shapes >= {(4, 1, 3, 3), (4, 1, 5, 5)}


@pytest.mark.parametrize(
    "others", [Sgd(name="sgd", lr=0.1), AdamW(name="adamw", lr=0.1)]
)
@pytest.mark.parametrize("fused", [True, False])
def test_each_part_steps_as_alone_and_resumes(
    others: Any, fused: bool
) -> None:
    recipe = Muon(name="muon", lr=0.1, others=others)
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU()) for _ in range(3)]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
    whole, again = (
        make_optimizer(recipe, net, fused=fused) for net in nets[:2]
    )
    conv = nets[2][0]
    assert isinstance(conv, nn.Conv2d)
    alone = (
        MuonOptimizer([{"params": [conv.weight]}], **recipe.arguments()),
        make_optimizer(others, nn.ParameterList([conv.bias]), fused=fused),
    )
    for step in range(4):
        if step == 2:  # the second one goes on where it was saved
            fresh = make_optimizer(recipe, nets[1], fused=fused)
            load_optimizer(fresh, again.state_dict())
            again = fresh
        x = drawn(2, 1, 5, 5, seed=step)
        for net, optimizers in zip(
            nets, ((whole,), (again,), alone), strict=True
        ):
            net.zero_grad()
            net(x).square().sum().backward()
            for optimizer in optimizers:
                optimizer.step()
    for net in nets[1:]:
        for mine, other in zip(
            nets[0].parameters(), net.parameters(), strict=True
        ):
            assert torch.equal(mine, other)


def test_a_run_with_muon_learns_and_resumes_bit_for_bit(
    tmp_path: Path,
) -> None:
    options = Options(device="cpu", threads=1, workers=0)
    runs = {name: tmp_path / name for name in ("whole", "half")}
    whole = build(
        resgraph.loads(NET + TRAIN), out=runs["whole"], options=options
    )
    assert whole.accuracy > 20, "of 10 by chance, after two epochs"
    limited = replace(options, minutes=1e-9)  # stops after its first step
    build(resgraph.loads(NET + TRAIN), out=runs["half"], options=limited)
    resume(runs["half"], options=replace(options, minutes=None))
    mine, other = (
        load_file(run / "weights.safetensors") for run in runs.values()
    )
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_a_part_has_a_rate_a_decay_and_an_end_of_its_own() -> None:
    """airbench94_muon.py: rates of 0.053 and 0.67, each with a decay of 0.004 over its rate, and a bias that
    stops after 3 of 8 epochs."""
    train = resolve_train({
        "recipe": "digits", "epochs": 8, "schedule": {"kind": "linear"},
        "optimizer": {"name": "sgd", "lr": 0.053, "weight_decay": 0.0755,
                      "by": {"1.weight": {"lr": 0.67, "weight_decay": 0.006}, "0.bias": {"until": 3}}},
    })  # fmt: skip
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer = make_optimizer(train.optimizer, net, fused=False)
    schedule = LearningRates(train, 25)
    for step in (0, 30, 74, 75, 150):
        set_lr(optimizer, schedule.lr(step), partial(schedule.until, step))
        rates = {
            p: g["lr"] for g in optimizer.param_groups for p in g["params"]
        }
        ended = 0.053 * max(0, 1 - step / 75)
        assert rates[net[0].bias] == pytest.approx(ended)
        assert rates[net[1].weight] == pytest.approx(
            0.67 * (1 - step / 200)
        )
    decays = [group["weight_decay"] for group in optimizer.param_groups]
    assert sorted(decays) == [0.0, 0.0, 0.006, 0.0755], (
        "biases have none in this recipe"
    )


def test_a_part_ends_at_the_same_share_of_another_length() -> None:
    """Of a recipe of the library; what is written beside it is taken as written."""
    from resgraph.language.recipe.stretch import stretched

    base = {
        "epochs": 8,
        "optimizer": {"others": {"by": {"stem": {"until": 3}}}},
    }
    out = stretched(base, {"epochs": 16})
    assert out["optimizer"]["others"]["by"]["stem"]["until"] == 6
    assert base["optimizer"]["others"]["by"]["stem"]["until"] == 3  # type: ignore[index]
