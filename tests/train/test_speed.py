"""The pieces of cifar10-airbench's record, each by arithmetic, and its recipe and net in a short run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from msgspec.structs import asdict, replace
from safetensors.torch import load_file
from torch import Tensor, nn

import resgraph
from resgraph.language.reading import read
from resgraph.language.recipe import resolve_train
from resgraph.language.recipe.augment import Augment
from resgraph.language.recipe.steps import Muon, Sgd
from resgraph.train import Options, build, evaluate, resume
from resgraph.train.augment.geometry import augment, augment_mask, mirrored
from resgraph.train.data.normalize import measure
from resgraph.train.data.sets import Request
from resgraph.train.data.synthetic import load as synthetic
from resgraph.train.engine.views import Views
from resgraph.train.engine.whiten import whitening

SPEC = Path(__file__).parents[2] / "examples" / "speed" / "cifar-speed.yaml"
FAST = Options(device="cpu", threads=1, workers=0, precision="fp32")


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed)
    )


def test_whitened_patches_have_variance_1_and_no_correlation() -> None:
    """The second moments of what the filters give are those of white noise, but for `eps`; the others are negatives."""
    # neighbours are alike
    images = F.avg_pool2d(drawn(50, 3, 24, 24), 3, 1) + 0.2
    filters = whitening(images, (2, 2), 1e-6)
    assert filters.shape == (24, 3, 2, 2)
    assert torch.equal(filters[12:], -filters[:12])
    given = F.conv2d(images, filters[:12]).transpose(0, 1).flatten(1)
    torch.testing.assert_close(
        given @ given.T / given.shape[1], torch.eye(12), atol=2e-3, rtol=0
    )
    # by hand: eigenvectors over the root of eigenvalue + eps, of moments that are not centred
    patches = (
        images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5)
    )
    rows = patches.reshape(-1, 12).double()
    moments = rows.T @ rows / len(rows)
    damped = whitening(images, (2, 2), 0.5)[:12].reshape(12, 12).double()
    values = torch.linalg.eigvalsh(moments)
    torch.testing.assert_close(
        damped @ moments @ damped.T, torch.diag(values / (values + 0.5)),
        atol=1e-5, rtol=1e-4,
    )  # fmt: skip


def test_an_image_is_mirrored_in_every_other_epoch() -> None:
    index = torch.arange(1000)
    turns = [mirrored(7, epoch, index) for epoch in range(4)]
    assert turns[0].float().mean() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(turns[1], ~turns[0])
    assert torch.equal(turns[2], turns[0]) and torch.equal(
        turns[3], turns[1]
    )
    x = drawn(1000, 1, 3, 4)
    out = augment(x, Augment(flip=True, alternate=True), 3, index, turns[0])
    assert torch.equal(out[turns[0]], x[turns[0]].flip(3))
    assert torch.equal(out[~turns[0]], x[~turns[0]])


def test_a_border_is_mirrored_at_its_edge_pixels() -> None:
    """As F.pad's `reflect`, of which a crop shows a part; and a mask moves with its image."""
    recipe = read(
        Augment, {"crop": {"kind": "pad", "cells": 2, "border": "reflect"}}
    )
    x, index = drawn(60, 1, 5, 6), torch.arange(60)
    out = augment(x, recipe, 3, index)
    around = F.pad(x, (2, 2, 2, 2), mode="reflect")
    windows = around.unfold(2, 5, 1).unfold(3, 6, 1)[:, 0].flatten(1, 2)
    found = (windows == out).flatten(2).all(2)
    assert found.any(1).all(), "each is one of the 25 windows"
    assert len(set(found.float().argmax(1).tolist())) > 15, (
        "and not always the same"
    )
    mask = (x[:, 0] * 100).round().to(torch.int16)
    moved = augment_mask(mask, recipe, 3, index)
    assert torch.equal(moved, (out[:, 0] * 100).round().to(torch.int16))


@pytest.mark.parametrize("shifted", [False, True])
def test_views_count_as_airbench_weighs_them(shifted: bool) -> None:
    """Half for the mirrored pair, a quarter for it at either corner: of a net that is linear, by hand."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(3 * 6 * 6, 4, bias=False)
    ).eval()
    x = drawn(5, 3, 6, 6)
    around = F.pad(x, (1, 1, 1, 1), mode="reflect")
    up, down = around[:, :, :6, :6], around[:, :, 2:, 2:]
    mean = x if not shifted else 0.5 * x + 0.25 * up + 0.25 * down
    views = Views(net, shifted=shifted)
    assert not views.training, "as the net is"
    torch.testing.assert_close(views(x), net(0.5 * (mean + mean.flip(3))))


NET = "name: n\ninput: 1x8x8\nnet:\n  conv1: 3x3 conv 4 bare\n  head: [relu, global avg pool, fc 10]\n"


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(run / "weights.safetensors")


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_summed_loss_steps_as_many_times_further(
    accumulate: int, tmp_path: Path
) -> None:
    common: dict[str, Any] = {
        "recipe": "digits",
        "iterations": 5,
        "batch": 32,
        "schedule": "constant",
    }
    sgd = {"momentum": 0.5, "weight_decay": 0.0}
    recipes = {
        "sum": {"target": {"kind": "label", "summed": True}, "optimizer": sgd | {"lr": 0.005},
                "accumulate": accumulate},
        "mean": {"optimizer": sgd | {"lr": 0.005 * 32}},
    }  # fmt: skip
    for name, own in recipes.items():
        spec = resgraph.loads(
            NET,
            overrides=[
                f"train={common | own}".replace("'", "").replace(
                    "True", "true"
                )
            ],
        )
        build(spec, out=tmp_path / name, options=FAST)
    mine, other = weights(tmp_path / "sum"), weights(tmp_path / "mean")
    for key, value in mine.items():
        torch.testing.assert_close(value, other[key], atol=1e-5, rtol=1e-4)


def test_the_recipe_is_airbenchs() -> None:
    """airbench94_muon.py of March 2025, line by line of its `main`."""
    recipe = resolve_train("cifar-speed")
    steps = recipe.optimizer
    assert isinstance(steps, Muon) and isinstance(steps.others, Sgd)
    assert (recipe.batch, recipe.epochs, recipe.label_smoothing) == (
        2000,
        8,
        0.2,
    )
    assert (steps.lr, steps.momentum, steps.nesterov, steps.iterations) == (
        0.24,
        0.6,
        True,
        3,
    )
    assert (steps.unit, steps.adjust, steps.weight_decay) == (
        True,
        "plain",
        0,
    )
    others, decay = steps.others, 2e-6 * 2000
    assert (others.lr, others.momentum, others.nesterov) == (
        0.053,
        0.85,
        True,
    )
    assert others.weight_decay * others.lr == pytest.approx(decay)
    head, bias = others.by["head"], others.by["whiten.conv.bias"]
    assert head.lr == 0.67 and head.weight_decay is not None
    assert head.weight_decay * head.lr == pytest.approx(decay)
    assert (bias.lr, bias.weight_decay, bias.until) == (None, None, 3)
    assert asdict(recipe.schedule) == {"kind": "linear", "end": 0.0}
    assert recipe.whiten is not None and asdict(recipe.whiten) == {
        "layer": "whiten.conv", "images": 5000, "eps": 5e-4
    }  # fmt: skip
    assert (
        asdict(recipe.target)["summed"] and recipe.views == "mirror-shift"
    )
    assert recipe.augment.flip and recipe.augment.alternate


def test_the_net_is_airbenchs() -> None:
    plan = resgraph.load(SPEC)
    assert plan.unmet() == []
    whiten = 24 * 12 + 24
    convolutions = 24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256
    norms, head = 2 * 2 * (64 + 256 + 256), 256 * 10
    assert plan.params == whiten + 9 * convolutions + norms + head
    net = plan.module().train()
    with torch.no_grad():
        first = net.get_parameter("group1.body.0.conv.weight")
        identity = nn.init.dirac_(torch.empty(24, 24, 3, 3))
        assert torch.equal(first[:24], identity) and not torch.equal(
            first[24:48], identity
        )
        assert net.get_parameter("head.weight").std() == pytest.approx(
            1, abs=0.05
        )
        x = torch.randn(4, 3, 32, 32)
        hidden = x
        for name in (
            "whiten",
            "white",
            "group1",
            "group2",
            "group3",
            "pooled",
        ):
            hidden = net.get_submodule(name)(hidden)
        torch.testing.assert_close(
            net(x), F.linear(hidden, net.get_parameter("head.weight")) / 256
        )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("speed") / "run"
    build(speed(), out=run, options=FAST)
    return run


def speed() -> Any:
    return resgraph.load(SPEC, overrides=[
        "train.data={set: synthetic, samples: 96, validation: 32}", "train.batch=32", "train.epochs=2",
        "train.evaluate_every=1", "net.group2=pair 64", "net.group3=pair 64", "train.whiten.images=64", "train.normalize=per-channel",
    ])  # fmt: skip


def test_a_short_run_whitens_freezes_and_looks_again(small: Path) -> None:
    found = weights(small)
    plan = speed()
    data = synthetic(
        plan.spec.train.data, Request(plan.input, (10,), Path())
    )
    normalization = measure(data.train, data.levels, "per-channel")
    images = normalization(data.train.images[:64])
    assert torch.equal(
        found["whiten.conv.weight"], whitening(images, (2, 2), 5e-4)
    )
    assert torch.equal(found["group2.body.5.weight"], torch.ones(64)), (
        "no scale learns"
    )
    assert found["group2.body.5.bias"].abs().max() > 0
    rows = (small / "metrics.jsonl").read_text().splitlines()
    last = json.loads(rows[-1])["validation"]
    again = evaluate(small, options=FAST)
    assert again.error == pytest.approx(last["error"])
    assert again.loss == pytest.approx(last["loss"], rel=1e-5), (
        "the same views"
    )


def test_it_resumes_bit_for_bit(small: Path, tmp_path: Path) -> None:
    limited = replace(FAST, minutes=1e-9)
    build(speed(), out=tmp_path / "run", options=limited)
    resume(tmp_path / "run", options=FAST)
    mine, other = weights(small), weights(tmp_path / "run")
    assert all(torch.equal(mine[name], other[name]) for name in mine)
