#!/usr/bin/env bash
# torchmetrics 1.9.0: a MetricCollection makes one metric of those whose counts are equal after the first batch, and
# keeps them so to the end: accuracy at a threshold of 0.5 and of 0.9, which agree on a batch where the net is sure, or
# the same metric with and without `ignore_index`, on a batch without such a label. From there on both names give the
# first one's number. One would have guessed that metrics with other arguments are others, and that what is shared is
# shared for what they are, not for what one batch held: two columns of a table are equal to the last digit, or not, by
# the order of the images. `compute_groups=False` keeps them apart.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$work/venv/bin/python" - <<'PY'
import torch
import torchmetrics
from torch import tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy

sure, unsure = (tensor([0.95, 0.05]), tensor([1, 0])), (tensor([0.6, 0.4, 0.6, 0.4]), tensor([1, 0, 1, 0]))
clean, marked = (tensor([1, 2, 1]), tensor([1, 2, 2])), (tensor([0, 0, 0]), tensor([0, 0, 0]))


def thresholds(first, second, **options):
    """Of all images the net decides rightly at 0.5; at 0.9 it calls the unsure ones 0."""
    both = MetricCollection(
        {name: BinaryAccuracy(threshold=at) for name, at in {"at half": 0.5, "at nine tenths": 0.9}.items()}, **options
    )
    both.update(*first)
    both.update(*second)
    return {name: round(value.item(), 3) for name, value in both.compute().items()}


def ignoring(first, second, **options):
    """One of the images of classes 1 and 2 is wrong; all of class 0, which one of both ignores, are right."""
    kinds = {"all": None, "without 0": 0}
    both = MetricCollection(
        {name: MulticlassAccuracy(3, average="micro", ignore_index=index) for name, index in kinds.items()}, **options
    )
    both.update(*first)
    both.update(*second)
    return {name: round(value.item(), 3) for name, value in both.compute().items()}


print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
for metric, plain, special in ((thresholds, sure, unsure), (ignoring, clean, marked)):
    merged, turned = metric(plain, special), metric(special, plain)
    apart = metric(plain, special, compute_groups=False)
    print(f"{metric.__name__:10} {merged}, in the other order {turned}, apart {apart}")
    assert len(set(merged.values())) == 1, "this has changed"
    assert turned == apart and len(set(apart.values())) == 2
    assert list(merged.values())[0] == list(apart.values())[0]
PY
