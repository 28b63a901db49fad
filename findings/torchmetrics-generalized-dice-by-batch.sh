#!/usr/bin/env bash
# torchmetrics 1.9.0: the generalized Dice score of an image depends on the images that share its batch. It weighs
# classes by their inverse size, and one that an image lacks, whose weight would be infinite, gets the largest that the
# class has in the batch, or 0 if no image there has it. The same masks and predictions score 0.91 one by one, 0.87 by
# twos and 0.69 as one batch of four. One would have guessed that a score over a data set is the same however it is
# cut, as Dice, mean IoU and the Jaccard index of the package are: a validation with a larger batch is a worse net. One
# image a batch is what can be repeated.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$work/venv/bin/python" - <<'PY'
import torch
import torchmetrics
from torchmetrics.classification import MulticlassJaccardIndex
from torchmetrics.segmentation import DiceScore, GeneralizedDiceScore, MeanIoU

generator = torch.Generator().manual_seed(0)
masks = torch.zeros(4, 8, 8, dtype=torch.long)
masks[0, :4], masks[1, :2] = 1, 2
noise = torch.rand(masks.shape, generator=generator) < 0.2
said = torch.where(noise, torch.randint(0, 3, masks.shape, generator=generator), masks)


def score(make, size):
    """Of the four images in batches of a size."""
    metric = make()
    for guess, truth in zip(said.split(size), masks.split(size)):
        metric.update(guess, truth)
    return round(metric.compute().item(), 3)


kinds = {
    "generalized Dice": lambda: GeneralizedDiceScore(3, input_format="index"),
    "Dice": lambda: DiceScore(3, input_format="index", average="macro"),
    "mean IoU": lambda: MeanIoU(3, input_format="index"),
    "Jaccard": lambda: MulticlassJaccardIndex(3),
}
print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
seen = {name: [score(make, size) for size in (1, 2, 4)] for name, make in kinds.items()}
for name, scores in seen.items():
    print(f"{name:16} in batches of 1, 2 and 4", scores)
assert all(len(set(seen[name])) == 1 for name in ("Dice", "mean IoU", "Jaccard"))
assert seen["generalized Dice"] == [0.908, 0.869, 0.691], "this has changed"
PY
