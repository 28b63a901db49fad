"""Nets of several outputs in training: the loss is the weighted sum, the first output is scored, and what does not fit is
told by `check` and `build` alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import resgraph
from resgraph.errors import SpecError
from resgraph.plan import Plan, loads
from resgraph.train import Options, Silent, build, evaluate
from resgraph.train.engine.assemble import fresh_net, make_data_loader
from resgraph.train.engine.several import first, total, weighed
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import normalization_of, prepare

NET = """
name: helped
input: 1x8x8
net:
  c1:   3x3 conv 8
  c2:   3x3 conv 16 /2
  head: [global avg pool, fc 10]
{rows}
{outputs}
train: {{recipe: digits, epochs: 1, batch: 256, augment: none, {loss}}}
"""


ROWS = {
    "aux1": "  aux1: [c1, global avg pool, fc 10]",
    "aux2": "  aux2: [c2, global avg pool, fc 7]",
}


def net(
    outputs: str = "aux: [aux1]", loss: str = "loss: {head: 1, aux1: 0.3}"
) -> Plan:
    rows = "\n".join(text for row, text in ROWS.items() if row in outputs)
    return loads(NET.format(rows=rows, outputs=outputs, loss=loss))


def test_the_loss_is_the_weighted_sum() -> None:
    torch.manual_seed(0)
    a, b, c = torch.randn(3, 4, 10, dtype=torch.double).unbind()
    labels = torch.tensor([1, 2, 3, 4])
    found = weighed(
        (a, b, c), (1, 0, 0.3), lambda out: F.cross_entropy(out, labels)
    )
    wanted = F.cross_entropy(a.float(), labels) + 0.3 * F.cross_entropy(
        c.float(), labels
    )
    assert torch.allclose(found, wanted)
    assert torch.equal(first((a, b)), a.float()) and torch.equal(
        first(a), a.float()
    )
    assert torch.allclose(
        total((a, b)), (a.square().mean() + b.square().mean()).float()
    )


GOOGLENET = """
name: inception
input: 1x8x8
blocks:
  inception:
    a: 1x1 conv out/2
    b: [1x1 conv out/4, 3x3 conv out/4]
    p: [3x3 max pool, 1x1 conv out/4]
    merge: concat(a, b, p)
net:
  stem: 3x3 conv 8
  i3: inception 16
  i4: inception 32
  i5: inception 32
  aux1: [i3, global avg pool, fc 16 relu, fc 10]
  aux2: [i4, global avg pool, fc 16 relu, fc 10]
  head: [i5, global avg pool, fc 10]
output: [head]
aux: [aux1, aux2]
train:
  recipe: digits
  iterations: 1
  epochs: none
  batch: 64
  augment: none
  optimizer: {name: sgd, lr: 0.5, momentum: 0, nesterov: false, weight_decay: 0}
  schedule: constant
  warmup: none
  loss: {head: 1, aux1: 0.3, aux2: 0.3}
"""


def test_a_step_descends_the_weighed_sum_as_googlenet_does(
    tmp_path: Path,
) -> None:
    """Szegedy et al. 2015, section 5: the auxiliary losses count 0.3; against torch by hand."""
    plan = loads(GOOGLENET)
    options = Options(threads=1, compile="off", precision="fp32")
    run = build(
        plan, out=tmp_path / "run", options=options, reporter=Silent()
    )
    found = load_file(run.directory / "weights.safetensors")

    ready = prepare(plan, options, World())
    loader = make_data_loader(
        ready.train,
        ready.data,
        ready.sampler,
        normalization_of(ready),
        ready.decisions,
    )
    batch = next(loader.epoch(0, 0))
    net = fresh_net(plan, ready.train, ready.decisions).train()
    head, aux1, aux2 = (
        F.cross_entropy(out, batch.labels) for out in net(batch.images)
    )
    (head + 0.3 * aux1 + 0.3 * aux2).backward()
    for key, weight in net.named_parameters():
        wanted = weight - 0.5 * weight.grad
        assert not torch.allclose(weight, wanted, rtol=1e-4, atol=1e-7), key
        assert torch.allclose(found[key], wanted, rtol=1e-4, atol=1e-6), key


MAPS = """
name: maps
input: 3x16x16
net:
  c1: 3x3 conv 8
  c2: 3x3 conv 8 /2
  aux1: 1x1 conv {classes} linear
  head: [c1, 1x1 conv 5 linear]
output: [head]
aux: [aux1]
train: {{recipe: synthetic, target: map, loss: {{head: 1, aux1: 0.4}}}}
"""


def test_an_auxiliary_map_may_be_coarser() -> None:
    """PSPNet's auxiliary loss is at another stride (Zhao et al. 2017, section 3.3)."""
    assert [
        p
        for p in loads(MAPS.format(classes=5)).unmet()
        if "loss" in p.message
    ] == []
    (problem,) = (
        p
        for p in loads(MAPS.format(classes=4)).unmet()
        if "`loss`" in p.message
    )
    assert problem.code == "E051" and "`aux1`, 4x8x8" in problem.message


def test_a_run_scores_and_predicts_with_the_first_output(
    tmp_path: Path,
) -> None:
    plan = net("output: [head, c2]\naux: [aux1]")
    result = build(
        plan,
        out=tmp_path / "run",
        options=Options(threads=1, compile="off"),
        reporter=Silent(),
    )
    found = evaluate(result.directory, options=Options(threads=1))
    assert (
        abs(100 - found.error - result.accuracy) < 1e-4 and found.error < 90
    )


@pytest.mark.parametrize(
    ("outputs", "loss", "said"),
    [
        (
            "aux: [aux1]",
            "loss: {head: 1, aux3: 0.3}",
            "weighs `aux3`, which is no output",
        ),
        (
            "aux: [aux1]",
            "loss: {head: 1, c1: 0.3}",
            "weighs `c1`, which is no output",
        ),
        (
            "aux: [aux2]",
            "loss: {head: 1, aux2: 0.3}",
            "`aux2`, 7, against the target of `head`, 10",
        ),
        ("aux: [aux1]", "", "no loss reaches `aux1`"),
        ("output: [head, aux1]", "", "no loss reaches `aux1`"),
        (
            "output: [head, aux1]",
            "loss: {aux1: 1}",
            "no loss reaches `head`",
        ),
    ],
)
def test_what_does_not_fit(
    outputs: str, loss: str, said: str, tmp_path: Path
) -> None:
    plan = net(outputs, loss)
    (problem,) = plan.unmet()
    assert (
        problem.code == "E051" and said in problem.message and problem.help
    )
    with pytest.raises(SpecError) as refused:
        build(
            plan,
            out=tmp_path / "run",
            options=Options(threads=1),
            reporter=Silent(),
        )
    assert said in refused.value.diagnostics[0].message


@pytest.mark.parametrize(
    "loss",
    [
        "loss: {}",
        "loss: {head: 0}",
        "loss: {head: -1}",
        "loss: {head: .nan}",
        "loss: {head: .inf}",
        "loss: {head: 1e9}",
        "loss: {head: much}",
        "loss: [head]",
    ],
)
def test_what_is_no_weight(loss: str) -> None:
    with pytest.raises(SpecError) as refused:
        net(loss=loss)
    (problem,) = refused.value.diagnostics
    span = problem.span
    assert problem.code in ("E022", "E007") and span
    assert "loss: " in span.source.line(span.line)


def test_features_that_are_put_out_need_no_loss() -> None:
    assert net("output: [head, c1, c2]", "").unmet() == []


def test_old_recipes_are_what_they_were() -> None:
    assert resgraph.load("digits").spec.train.loss is None
