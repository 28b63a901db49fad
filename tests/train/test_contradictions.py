"""Recipes whose keys contradict each other or the net: one error each, at its line, with what to write."""

from __future__ import annotations

import pytest

import resgraph
from resgraph.errors import UsageError
from resgraph.train import Options
from resgraph.train.parallel.distributed import World
from resgraph.train.prepare import prepare

NET = "name: a\ninput: 1x8x8\nnet:\n  conv1: 3x3 conv 4\n  head: [global avg pool, fc 10]\ntrain:\n  recipe: digits\n  "
WRONG = {
    "threshold of a cross-entropy": (
        "target: {kind: label, threshold: 0.2}", "cross-entropy takes shares", "write `loss: bce`"),
    "threshold without mixtures": (
        "target: {kind: label, loss: bce, threshold: 0.2}", "for mixtures of images", "cutmix: 1.0"),
    "smoothing of what is there or not": (
        "target: {kind: label, loss: bce, threshold: 0.2}\n  augment: {mixup: 0.1}\n  label_smoothing: 0.1",
        "nothing is left to smooth", "`label_smoothing: none`"),
    "a batch of one image": (
        "augment: {repeats: 4}\n  batch: 6", "a batch of 6 does not hold two images", "`batch: 8` or more"),
    "repeats of nothing": (
        "augment: {repeats: 2, rotate: none, zoom: none, shift: none}", "says no change", "`repeats: none`"),
    "two policies": (
        "augment: {trivialaugment: true, randaugment: {ops: 2}}", "both are written", "`randaugment: none`"),
    "a part that is not there": (
        "optimizer: {name: muon, lr: 0.02, others: {name: sgd, lr: 0.1, by: {heat: {lr: 1}}}}",
        "`optimizer.others.by` names `heat`", "`head`"),
    "no matrix is left": (
        "optimizer: {name: muon, lr: 0.02}\n  freeze: conv1", "the net has none that learns", "{name: sgd, lr: 0.1}"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_contradiction_is_one_error_before_the_first_step(name: str) -> None:
    recipe, said, fix = WRONG[name]
    plan = resgraph.loads(NET + recipe + "\n")
    (problem,) = plan.unmet()
    assert problem.code in ("E051", "E052")
    assert said in problem.message, problem.message
    assert fix in problem.help, problem.help
    assert problem.span is not None and problem.span.line >= 7
    with pytest.raises(resgraph.errors.ResgraphError, match=said[:20]):
        prepare(plan, Options(device="cpu"), World(), counted=True)


def test_what_steps_by_whole_weights_is_not_sharded() -> None:
    options = Options(device="cpu", sharding="on")
    for name in ("lamb", "muon"):
        plan = resgraph.loads(NET + f"optimizer: {{name: {name}, lr: 0.01}}\n")
        assert plan.unmet() == []
        with pytest.raises(UsageError, match=f"`optimizer: {name}` steps by whole"):
            prepare(plan, options, World(size=2, sharing=2), counted=True)
