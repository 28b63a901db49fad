#!/usr/bin/env bash
# torchmetrics 1.9.0: a class of which the test set has no image counts as 0 in a mean over classes as soon as the net
# says it once. A net of 100 classes that is right on 90 % of the images of each of 20 classes, all that are tested,
# has 18 % by MulticlassAccuracy (whose default that mean is) and by MulticlassRecall, where scikit-learn's balanced
# accuracy is 90 %; its MulticlassAUROC is 0.19, as there each absent class is a 0, and 0.95 over the classes that are
# there. One would have guessed that a mean over classes is over those that can be asked for: a net of ImageNet's
# classes on a set of some of them, a rare class that a fold lacks, and each single batch have a number that says how
# many classes are missing. `average=None`, and the mean over the classes of the test set, is right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0 scikit-learn==1.9.1
"$work/venv/bin/python" - <<'PY'
import warnings

import sklearn
import torch
import torchmetrics
from sklearn.metrics import balanced_accuracy_score
from torchmetrics.classification import MulticlassAccuracy, MulticlassAUROC, MulticlassRecall

CLASSES, THERE = 100, 20
truth = torch.arange(THERE).repeat_interleave(50)
said = truth.clone()
said[::10] = torch.arange(THERE, CLASSES).repeat(2)[:100]
scores = torch.nn.functional.one_hot(said, CLASSES).float()

warnings.simplefilter("ignore")
seen, each = {}, {}
for metric, given in ((MulticlassAccuracy, said), (MulticlassRecall, said), (MulticlassAUROC, scores)):
    seen[metric.__name__] = round(metric(CLASSES, average="macro")(given, truth).item(), 3)
    each[metric.__name__] = round(metric(CLASSES, average=None)(given, truth)[:THERE].mean().item(), 3)
balanced = balanced_accuracy_score(truth, said)
print("torchmetrics", torchmetrics.__version__, "scikit-learn", sklearn.__version__)
print("images that are right", (said == truth).float().mean().item(), "balanced accuracy of scikit-learn", balanced)
print("means over classes", seen)
print("over those that are there", each)
assert abs(balanced - 0.9) < 1e-9
assert each == {"MulticlassAccuracy": 0.9, "MulticlassRecall": 0.9, "MulticlassAUROC": 0.95}
assert seen == {"MulticlassAccuracy": 0.18, "MulticlassRecall": 0.18, "MulticlassAUROC": 0.19}, "this has changed"
PY
