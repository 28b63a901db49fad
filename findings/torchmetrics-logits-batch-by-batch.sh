#!/usr/bin/env bash
# torchmetrics 1.9.0: what is given to a metric of two classes is taken for logits where a number of the batch is below
# 0 or above 1, and for probabilities where none is, so that it is decided for each batch anew. A logit of 0.3 means
# yes, 0.57, beside one of -2, and alone it is a probability of 0.3 and means no. One would have guessed that the
# decision, which the manual tells of, is one for the metric: the accuracy of one net on one test set grows or falls
# with the size of the batches, and AUROC, which compares images of all batches, mixes the two scales: 0.734 image by
# image, 0.772 in batches of 32. The sigmoid of the logits gives the same for every size.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$work/venv/bin/python" - <<'PY'
import torch
import torchmetrics
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC

generator = torch.Generator().manual_seed(0)
labels = torch.randint(0, 2, (2000,), generator=generator)
logits = torch.randn(2000, generator=generator) + labels


def scores(given, size):
    """Accuracy and area under the curve of all images, in batches of a size."""
    metrics = BinaryAccuracy(), BinaryAUROC()
    for batch, truth in zip(given.split(size), labels.split(size)):
        for metric in metrics:
            metric.update(batch, truth)
    return tuple(round(metric.compute().item(), 3) for metric in metrics)


print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
seen, right = {}, set()
for size in (1, 2, 32, 2000):
    seen[size] = scores(logits, size)
    right.add(scores(logits.sigmoid(), size))
print("accuracy and AUROC by the size of a batch: of logits", seen, "of their sigmoid", *right)
assert right == {seen[2000]} == {seen[32]}
assert seen[1][1] < seen[2][1] < seen[32][1] - 0.01, "this has changed"
assert seen[1][0] != seen[32][0], "this has changed"
PY
