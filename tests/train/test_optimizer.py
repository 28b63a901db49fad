"""Optimizers against torch's own, weight decay where it belongs, and EMA against `AveragedModel`."""

from __future__ import annotations

import copy

import pytest
import references
import torch
from small_plan import residual
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import resgraph
from resgraph.language.recipe.steps import AdamW, Ema, Lamb, Sgd
from resgraph.train.engine.ema import EmaModel
from resgraph.train.engine.lamb import LambOptimizer
from resgraph.train.engine.optimizer import (
    exempt_names,
    load_optimizer,
    make_optimizer,
)


def test_what_does_not_decay() -> None:
    net = residual(1, 10, (4, 8), 1)
    norm = {
        f"{n}.{p}"
        for n, m in net.named_modules()
        if isinstance(m, nn.BatchNorm2d)
        for p in ("weight", "bias")
    }
    biases = {
        name for name, _ in net.named_parameters() if name.endswith("bias")
    }
    assert exempt_names(net, ("norm",)) == norm
    assert exempt_names(net, ("bias",)) == biases
    assert exempt_names(net, ("norm", "bias")) == norm | biases
    assert exempt_names(net, ()) == frozenset()


def test_later_norms_do_not_decay_and_slopes_are_scales() -> None:
    row = "[3x3 conv 8 bare, rms norm, instance norm affine, prelu, grn, positions, token]"
    net = resgraph.loads(
        f"name: n\ninput: 3x8x8\nnet: {{a: {row}}}\n"
    ).module()
    assert exempt_names(net, ("norm",)) == {
        "a.1.weight",
        "a.2.weight",
        "a.2.bias",
    }
    scales = {"a.3.weight", "a.4.weight", "a.6.weight"}
    assert exempt_names(net, ("scale",)) == scales


def test_groups_hold_every_parameter_once() -> None:
    net = residual(1, 10, (4,), 1)
    optimizer = make_optimizer(
        Sgd(
            name="sgd", lr=0.1, weight_decay=0.1, no_decay=("norm", "bias")
        ),
        net,
        fused=True,
    )
    grouped = [
        p for group in optimizer.param_groups for p in group["params"]
    ]
    assert (
        len(grouped)
        == len(set(map(id, grouped)))
        == len(list(net.parameters()))
    )
    assert [group["weight_decay"] for group in optimizer.param_groups] == [
        0.1,
        0.0,
    ]


def test_steps_are_torchs() -> None:
    for recipe, theirs in (
        (Sgd(name="sgd", lr=0.1, nesterov=True, weight_decay=0.01), lambda p: torch.optim.SGD(
            p, 0.1, 0.9, weight_decay=0.01, nesterov=True)),
        (AdamW(name="adamw", lr=0.01), lambda p: torch.optim.AdamW(p, 0.01)),
    ):  # fmt: skip
        torch.manual_seed(0)
        ours_net, their_net = nn.Linear(4, 3), nn.Linear(4, 3)
        their_net.load_state_dict(ours_net.state_dict())
        pair = (
            (ours_net, make_optimizer(recipe, ours_net, fused=False)),
            (their_net, theirs(their_net.parameters())),
        )
        x = torch.randn(5, 4)
        for _ in range(3):
            for net, optimizer in pair:
                optimizer.zero_grad()
                net(x).square().sum().backward()
                optimizer.step()
        for ours, other in zip(
            ours_net.parameters(), their_net.parameters(), strict=True
        ):
            assert torch.equal(ours, other)


@pytest.mark.parametrize("decay", [0.02, 0.0])
def test_lambs_step_is_timms(decay: float) -> None:
    """Ten steps in double precision, in float32 to its last digits; `no_decay` keeps AdamW's length."""
    references.torchvision()
    timm = pytest.importorskip("timm.optim.lamb")
    recipe = Lamb(
        name="lamb", lr=0.05, weight_decay=decay, no_decay=("bias",)
    )
    for kind, near in ((torch.float64, 1e-12), (torch.float32, 2e-6)):
        torch.manual_seed(0)
        ours_net = nn.Sequential(
            nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)
        ).to(kind)
        their_net = copy.deepcopy(ours_net)
        ours = make_optimizer(recipe, ours_net, fused=False)
        weights = [
            p for n, p in their_net.named_parameters() if "weight" in n
        ]
        biases = [p for n, p in their_net.named_parameters() if "bias" in n]
        theirs = timm.Lamb(
            [{"params": weights}, {"params": biases, "weight_decay": 0.0}],
            lr=0.05,
            weight_decay=decay,
            max_grad_norm=None,
        )
        x = torch.randn(6, 4, dtype=kind)
        for step in range(10):
            for net, optimizer in ((ours_net, ours), (their_net, theirs)):
                optimizer.zero_grad()
                (net(x).square().sum() * (1 + step)).backward()
                optimizer.step()
            for mine, other in zip(
                ours_net.parameters(), their_net.parameters(), strict=True
            ):
                torch.testing.assert_close(
                    mine, other, rtol=near, atol=near
                )


def test_lamb_makes_a_step_as_long_as_the_weights() -> None:
    """You et al. 2020, algorithm 2: `lr` is the step's share of a tensor's length; of nothing it is Adam's."""
    weight = nn.Parameter(torch.full((3, 4), 2.0))
    nothing = nn.Parameter(torch.zeros(3))
    optimizer = LambOptimizer(
        [{"params": [weight, nothing], "weight_decay": 0.1}],
        lr=0.25, betas=(0.9, 0.999), eps=1e-6,
    )  # fmt: skip
    before = weight.detach().clone()
    weight.grad, nothing.grad = torch.ones(3, 4), torch.full((3,), 7.0)
    optimizer.step()
    length = (weight.detach() - before).norm().item()
    assert length == pytest.approx(0.25 * before.norm().item())
    torch.testing.assert_close(nothing.detach(), torch.full((3,), -0.25))


def test_the_average_follows_and_keeps_counters_whole() -> None:
    net = residual(1, 10, (4,), 1)
    ema = EmaModel(Ema(decay=0.5), net)
    before = net[0].weight.detach().clone()
    with torch.no_grad():
        net[0].weight += 1
    net[1].num_batches_tracked += 3
    ema.update(net, 1)
    moved = 1 - min(0.5, 2 / 11)
    torch.testing.assert_close(ema.net[0].weight, before + moved)
    assert int(ema.net[1].num_batches_tracked) == 3
    assert not any(p.requires_grad for p in ema.net.parameters())


def test_a_warm_average_is_torchs() -> None:
    """Torch's has no warm-up of its decay, so it is compared from where ours has the full decay on."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours = EmaModel(Ema(decay=0.5), net)
    ours.updates = 10  # (1 + 11) / (10 + 11) is above 0.5
    theirs = AveragedModel(
        net, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=True
    )
    theirs.update_parameters(net)  # the first update of torch's copies
    for step in range(1, 4):
        with torch.no_grad():
            for value in (
                *net.parameters(),
                net[1].running_mean,
                net[1].running_var,
            ):
                value += torch.randn_like(value)
        ours.update(net, step)
        theirs.update_parameters(net)
    state = theirs.module.state_dict()
    for name, value in ours.net.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, state[name])


def test_the_average_moves_only_every_so_many_steps() -> None:
    net = nn.Linear(2, 2)
    ema = EmaModel(Ema(decay=0.5, every=5), net)
    with torch.no_grad():
        net.weight += 1
    ema.update(net, 4)
    assert not torch.equal(ema.net.weight, net.weight)
    assert ema.updates == 0
    ema.update(net, 5)
    assert ema.updates == 1


@pytest.mark.parametrize("fused", [True, False])
def test_a_state_that_was_saved_in_another_layout_is_the_same_state(
    fused: bool,
) -> None:
    torch.manual_seed(0)
    start = nn.Conv2d(3, 4, 3).state_dict()
    nets = [nn.Conv2d(3, 4, 3) for _ in range(2)]
    optimizers: list[torch.optim.Optimizer] = []
    for net, layout in zip(
        nets, (torch.contiguous_format, torch.channels_last), strict=True
    ):
        net.load_state_dict(start)
        net.to(memory_format=layout)
        optimizers.append(
            make_optimizer(Sgd(name="sgd", lr=0.1), net, fused=fused)
        )
    x = torch.randn(2, 3, 8, 8)

    def step(place: int) -> None:
        optimizers[place].zero_grad()
        nets[place](x).square().sum().backward()
        optimizers[place].step()

    step(0)
    nets[1].load_state_dict(nets[0].state_dict())
    load_optimizer(optimizers[1], optimizers[0].state_dict())
    step(0)
    step(1)
    torch.testing.assert_close(nets[1].weight, nets[0].weight)
