"""Losses and scores of every target, against their definitions and scikit-learn's."""

from __future__ import annotations

import math

import numpy
import pytest
import references
import torch
import torch.nn.functional as F
from torch import Tensor

from resgraph.language.recipe.target import (
    Itself,
    Labels,
    PixelLabel,
    Regression,
    SingleLabel,
)
from resgraph.train.tasks import Task, task_of

GENERATOR = torch.Generator().manual_seed(0)


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=GENERATOR)


def classes(*shape: int, count: int = 4) -> Tensor:
    return torch.randint(0, count, shape, generator=GENERATOR)


def error(task: Task, output: Tensor, target: Tensor) -> float:
    return task.error(task.sums(output, target), float(task.count(target)))


TASKS = {
    "label": (task_of(SingleLabel(), 4), normal(12, 4), classes(12)),
    "bce": (task_of(SingleLabel(loss="bce"), 4), normal(12, 4), classes(12)),
    "labels": (task_of(Labels(kind="labels"), 3), normal(12, 3), classes(12, 3, count=2).float()),
    "number": (task_of(Regression(kind="number"), 2), normal(12, 2), normal(12, 2)),
    "dense number": (task_of(Regression(kind="number"), 2), normal(12, 2, 3, 5), normal(12, 2, 3, 5)),
    "map": (task_of(PixelLabel(kind="map"), 4), normal(12, 4, 6, 5), classes(12, 6, 5)),
    "itself": (task_of(Itself(kind="itself"), 2), normal(12, 2, 3, 5), normal(12, 2, 3, 5)),
}  # fmt: skip
EACH = pytest.mark.parametrize("name", TASKS)


@EACH
def test_sums_add_up_over_batches(name: str) -> None:
    task, output, target = TASKS[name]
    parts = [slice(0, 5), slice(5, 6), slice(6, 12)]
    total = sum(task.sums(output[part], target[part]) for part in parts)
    assert torch.allclose(
        total.double(), task.sums(output, target).double()
    )
    assert len(total) == task.width
    losses = [task.loss(output[part], target[part]) for part in parts]
    counts = [task.count(target[part]) for part in parts]
    mean = sum(
        loss * n for loss, n in zip(losses, counts, strict=True)
    ) / sum(counts)
    assert torch.allclose(mean, task.loss(output, target))


@EACH
def test_what_could_not_be_read_counts_nowhere(name: str) -> None:
    task, output, target = TASKS[name]
    gone = torch.tensor([False, True] * 6)
    holes = task.without(target, gone)
    output = output.clone().requires_grad_()
    assert torch.allclose(
        task.loss(output, holes), task.loss(output[~gone], target[~gone])
    )
    assert error(task, output, holes) == pytest.approx(
        error(task, output[~gone], target[~gone])
    )
    assert int(task.items(holes)) == 6
    task.loss(output, holes).backward()
    assert output.grad is not None and torch.isfinite(output.grad).all()
    assert not output.grad[gone].any()
    nothing = task.without(target, torch.ones(12, dtype=torch.bool))
    assert (
        task.loss(output, nothing).item() == 0
        and int(task.items(nothing)) == 0
    )


@EACH
def test_the_right_answer_has_no_error(name: str) -> None:
    task, output, target = TASKS[name]
    if name in ("label", "bce", "map"):
        right = F.one_hot(target, 4).movedim(-1, 1) * 9.0
    else:
        right = target * 18 - 9 if name == "labels" else target
    assert error(task, right, target) == pytest.approx(0, abs=1e-9)
    assert error(task, output, target) > 10


def test_losses_are_torchs() -> None:
    output, target = normal(9, 4), classes(9)
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    ours = task_of(SingleLabel(), 4, 0.1, weights)
    theirs = F.cross_entropy(output, target, weights, label_smoothing=0.1)
    assert torch.allclose(ours.loss(output, target), theirs)
    assert torch.allclose(
        ours.plain().loss(output, target), F.cross_entropy(output, target)
    )
    some = target.clone()
    some[3] = -100
    theirs = F.cross_entropy(output, some, weights, label_smoothing=0.1)
    assert torch.allclose(ours.loss(output, some), theirs)
    ones = F.one_hot(target, 4).float()
    binary = F.binary_cross_entropy_with_logits(output, ones)
    assert torch.allclose(
        task_of(SingleLabel(loss="bce"), 4).loss(output, target), binary
    )
    binary = F.binary_cross_entropy_with_logits(
        output, ones, pos_weight=weights
    )
    several = task_of(Labels(kind="labels"), 4, weights=weights)
    assert torch.allclose(several.loss(output, ones), binary)
    pixels, mask = normal(3, 4, 5, 6), classes(3, 5, 6)
    ours = task_of(PixelLabel(kind="map"), 4, weights=weights)
    assert torch.allclose(
        ours.loss(pixels, mask), F.cross_entropy(pixels, mask, weights)
    )
    wanted = normal(9, 4)
    for kind, loss in (
        ("mse", F.mse_loss),
        ("l1", F.l1_loss),
        ("huber", F.huber_loss),
    ):
        ours = task_of(Regression(kind="number", loss=kind), 4)
        assert torch.allclose(
            ours.loss(3 * output, wanted), loss(3 * output, wanted)
        )


def test_a_coarse_map_is_enlarged() -> None:
    output, mask = normal(2, 3, 4, 4), classes(2, 8, 8, count=3)
    large = F.interpolate(
        output, (8, 8), mode="bilinear", align_corners=False
    )
    task = task_of(PixelLabel(kind="map"), 3)
    assert torch.allclose(
        task.loss(output, mask), F.cross_entropy(large, mask)
    )
    right = float((large.argmax(1) == mask).float().mean())
    ((name, value),) = task.details(
        task.sums(output, mask), float(task.count(mask))
    )
    assert (name, value) == ("pixel accuracy", pytest.approx(100 * right))


def test_iou_is_its_definition() -> None:
    # class 3 is never right
    output, mask = (
        normal(5, 4, 6, 6),
        classes(5, 6, 6, count=3),
    )
    said, found = output.argmax(1), []
    for label in range(4):
        mine, theirs = said == label, mask == label
        found.append(
            float((mine & theirs).sum()) / float((mine | theirs).sum())
        )
    task = task_of(PixelLabel(kind="map"), 4)
    assert error(task, output, mask) == pytest.approx(
        100 * (1 - sum(found) / 4)
    )
    assert found[3] == 0
    # a class that is neither there nor said is no class
    assert error(task_of(PixelLabel(kind="map"), 5), F.pad(output, (0, 0, 0, 0, 0, 1), value=-99), mask) == (
        pytest.approx(100 * (1 - sum(found) / 4))
    )  # fmt: skip


def test_numbers_are_scored_as_scikit_learn_does() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    output, target = normal(40, 3), 5 * normal(40, 3) + 100
    theirs = metrics.r2_score(
        target, output + 99, multioutput="raw_values"
    ).mean()
    task = task_of(Regression(kind="number"), 3)
    assert error(task, output + 99, target) == pytest.approx(
        100 * (1 - theirs), rel=1e-5
    )
    rmse = math.sqrt(metrics.mean_squared_error(target, output + 99))
    sums = task.sums(output + 99, target)
    assert dict(task.details(sums, 120.0)) == {
        "RMSE": pytest.approx(rmse, rel=1e-6)
    }
    constant = torch.ones(40, 1)
    assert (
        error(task_of(Regression(kind="number"), 1), constant + 1, constant)
        == 100
    )


def test_precision_is_scored_as_scikit_learn_does() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth = (torch.rand(3000, 5, generator=GENERATOR) < 0.1).float()
    truth[:, 4] = 0  # a class that no image has is left out
    output = 1.5 * normal(3000, 5) + 2 * truth - 3
    theirs = metrics.average_precision_score(
        truth[:, :4].numpy(), output[:, :4].numpy(), average=None
    )
    task = task_of(Labels(kind="labels"), 5)
    assert error(task, output, truth) == pytest.approx(
        100 * (1 - numpy.mean(theirs)), abs=0.1
    )


def test_average_precision_by_hand() -> None:
    # ranked: right, wrong, right: (1/1 + 2/3) / 2
    output = torch.tensor([[3.0], [2.0], [1.0]])
    truth = torch.tensor([[1.0], [0.0], [1.0]])
    task = task_of(Labels(kind="labels"), 1)
    assert error(task, output, truth) == pytest.approx(100 * (1 - 5 / 6))
    # of one logit there is no order: a third of what is found at once is wrong
    assert error(task, torch.zeros(3, 1), truth) == pytest.approx(100 / 3)


def test_a_mixture_of_shares_adds_up_and_one_of_wholes_is_timms() -> None:
    """`bce`: by shares of both classes; with a threshold by those that are there, as timm's loss has them."""
    output, mine, other = normal(6, 5), classes(6), classes(6)
    other[0], mine[1] = -100, -100  # files that could not be read
    for share in (0.1, 0.25, 0.9):
        soft = task_of(SingleLabel(loss="bce"), 5)
        added = share * soft.loss(output, mine) + (1 - share) * soft.loss(
            output, other
        )
        assert torch.equal(soft.mixed(output, (mine, other), share), added)
        whole = task_of(SingleLabel(loss="bce", threshold=0.2), 5)
        wanted = torch.zeros(6, 5)
        for row in range(6):
            for target, part in (
                (mine[row], share),
                (other[row], 1 - share),
            ):
                same = mine[row] == other[row]
                if target >= 0 and (part > 0.2 or same):
                    wanted[row, target] = 1
        each = F.binary_cross_entropy_with_logits(
            output, wanted, reduction="none"
        ).mean(1)
        by_hand = each[mine >= 0].mean()
        torch.testing.assert_close(
            whole.mixed(output, (mine, other), share), by_hand
        )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.85])
def test_the_loss_of_a_mixture_is_timms(share: float) -> None:
    """Its `BinaryCrossEntropy` of what its `mixup_target` makes, and with a threshold."""
    references.torchvision()
    pytest.importorskip("timm")
    from timm.data.mixup import mixup_target
    from timm.loss import BinaryCrossEntropy

    output, mine = normal(6, 5), classes(6)
    # an image's partner is the one from the end
    target = mixup_target(mine, 5, share)
    for threshold in (None, 0.2):
        theirs = BinaryCrossEntropy(smoothing=0, target_threshold=threshold)
        ours = task_of(SingleLabel(loss="bce", threshold=threshold), 5)
        torch.testing.assert_close(
            ours.mixed(output, (mine, mine.flip(0)), share),
            theirs(output, target),
        )
