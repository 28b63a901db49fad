#!/usr/bin/env bash
# pytorch-ignite 0.5.5: `ignore_index` of IoU, mIoU and DiceCoefficient leaves out the class's own number, and no pixel:
# where the mask says "ignore", what the net says there still counts against the class that it says. torchmetrics, by an
# argument of the same name, leaves the pixels out, as cross_entropy does. One would have guessed that what is ignored
# in training is ignored in the score: on masks whose borders are marked so, as VOC's are, a net that is right on every
# pixel that has a label has an IoU below 1, the lower the wider the borders. Pixels that are taken out before the
# confusion matrix is told of them give the same as torchmetrics.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0 pytorch-ignite==0.5.5
"$work/venv/bin/python" - <<'PY'
import ignite
import torch
import torchmetrics
from ignite.metrics import ConfusionMatrix, DiceCoefficient, IoU
from torchmetrics.classification import MulticlassJaccardIndex

VOID = 2
mask = torch.tensor([[0, 0, 2, 1, 1, 1, 2, 0]])
said = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 0]])


def of_ignite(metric, keep):
    """Of the pixels that are kept, for the two classes besides the ignored one."""
    matrix = ConfusionMatrix(3)
    found = metric(matrix, ignore_index=VOID)
    matrix.update((torch.nn.functional.one_hot(said[keep], 3).float(), mask[keep]))
    return [round(value, 3) for value in found.compute().tolist()]


everywhere, labelled = torch.ones_like(mask, dtype=torch.bool), mask != VOID
other = MulticlassJaccardIndex(3, ignore_index=VOID, average=None)(said, mask).tolist()[:2]
assert torch.equal(said[labelled], mask[labelled])
print("ignite", ignite.__version__, "torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
iou, dice = of_ignite(IoU, everywhere), of_ignite(DiceCoefficient, everywhere)
print("IoU of two classes that are right: ignite", iou, "Dice", dice, "torchmetrics", other)
print("ignite, without those pixels", of_ignite(IoU, labelled), of_ignite(DiceCoefficient, labelled))
assert iou == [0.75, 0.75] and dice == [0.857, 0.857], "this has changed"
assert other == of_ignite(IoU, labelled) == of_ignite(DiceCoefficient, labelled) == [1.0, 1.0]
PY
