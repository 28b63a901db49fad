#!/usr/bin/env bash
# torch 2.13.0: cross_entropy with class weights divides by the weights of the batch where its targets are indices, and
# by the number of images where they are probabilities, so that one label written as one-hot gives another loss, with
# label smoothing and without. One would have guessed that the two forms of one target agree: with weights from 1 to
# 20 the gradient of a run whose MixUp or CutMix makes its targets soft is eight times that of the run without, which
# the comparison then calls the mixture's doing. `reduction="none"` is the same of both: its sum over the weights of the
# targets, soft or not, is the mean that indices give.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import torch
from torch.nn import functional as F

CLASSES, IMAGES = 4, 64
draw = torch.Generator().manual_seed(0)
logits = torch.randn(IMAGES, CLASSES, generator=draw)
labels = torch.randint(CLASSES, (IMAGES,), generator=draw)
soft = F.one_hot(labels, CLASSES).float()
weights = torch.tensor([1.0, 2.0, 5.0, 20.0])
mean_weight = weights[labels].mean()

for smoothing in (0.0, 0.1):
    how = {"weight": weights, "label_smoothing": smoothing}
    by_index, by_one_hot = F.cross_entropy(logits, labels, **how), F.cross_entropy(logits, soft, **how)
    each, each_soft = (F.cross_entropy(logits, t, reduction="none", **how) for t in (labels, soft))
    made_up = each_soft.sum() / (soft @ weights).sum()
    print(f"torch {torch.__version__} smoothing {smoothing}: by index {by_index:.3f}, one-hot {by_one_hot:.3f}, "
          f"one-hot over its weights {made_up:.3f}")
    assert torch.allclose(by_one_hot, mean_weight * by_index) and by_one_hot > 5 * by_index, "this has changed"
    assert torch.allclose(each, each_soft) and torch.allclose(made_up, by_index)
    # without weights the two forms agree
    plain = {"label_smoothing": smoothing}
    assert torch.allclose(F.cross_entropy(logits, labels, **plain), F.cross_entropy(logits, soft, **plain))
PY
