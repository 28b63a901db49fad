#!/usr/bin/env bash
# torchmetrics 1.9.0: `Accuracy(task="multiclass")` is the share of images that are right, and the class that it makes,
# `MulticlassAccuracy`, is the mean over classes where it is made by its own name: the defaults are "micro" and "macro".
# So it is for the functional forms, and for precision, recall and F1. One would have guessed that the two are one
# metric: they agree on a balanced test set, such as ImageNet's, and differ on any other and in each batch, where 90 of
# 100 images right may be 50 %. `average="micro"` said is the same in both.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$work/venv/bin/python" - <<'PY'
import torch
import torchmetrics
from torchmetrics import classification, functional

CLASSES = 2
predicted = torch.zeros(100, dtype=torch.long)
labels = torch.tensor([0] * 90 + [1] * 10)
balanced = torch.tensor([0] * 50 + [1] * 50)
how = {"num_classes": CLASSES}

print("torchmetrics", torchmetrics.__version__)
for name in ("Accuracy", "Precision", "Recall", "F1Score"):
    make = getattr(classification, f"Multiclass{name}")
    general = getattr(torchmetrics, name)(task="multiclass", **how)
    own, said = make(**how), make(average="micro", **how)
    assert type(general) is type(own)
    found = [round(metric(predicted, labels).item(), 3) for metric in (general, own, said)]
    print(f'{name:10} task="multiclass": {found[0]}, Multiclass{name}: {found[1]}, with average="micro": {found[2]}')
    assert general.average == "micro" and own.average == "macro", "this has changed"
    assert found[0] == found[2] == 0.9 and found[1] <= 0.5, "this has changed"
by_task = functional.accuracy(predicted, labels, task="multiclass", **how)
by_name = functional.classification.multiclass_accuracy(predicted, labels, **how)
assert round(by_task.item(), 3) == 0.9 and by_name == 0.5, "this has changed"
both = [
    torchmetrics.Accuracy(task="multiclass", **how)(predicted, balanced),
    classification.MulticlassAccuracy(**how)(predicted, balanced),
]
assert both[0] == both[1] == 0.5
PY
