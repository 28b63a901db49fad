#!/usr/bin/env bash
# lightning 2.6.6: with accumulate_grad_batches=3 and four batches an epoch, the optimizer steps after the third and
# after the fourth, and the loss of the fourth is divided by three all the same: that step is a third as long. One would
# have guessed that a group of one batch has the mean over one, or waits for the next epoch's. With few batches an epoch
# (fine-tuning, large accumulation) a good part of the steps is too short, by up to the number that is accumulated, and
# a change of the batch size that keeps the product changes the result.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/pip" install -q lightning==2.6.6
"$work/venv/bin/python" - <<'PY'
import logging
import warnings

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

warnings.simplefilter("ignore")
for name in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)


class Slope(lightning.LightningModule):
    """A loss whose gradient is 1 on every image, so that a step of SGD at rate 1 is 1 long."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def training_step(self, batch, _):
        return (self.weight * batch[0]).mean()

    def configure_optimizers(self):
        return torch.optim.SGD([self.weight], 1.0)

    def on_train_batch_end(self, *_):
        self.seen.append(round(self.weight.item(), 4))


net = Slope()
trainer = lightning.Trainer(
    max_epochs=1, accumulate_grad_batches=3, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)  # fmt: skip
trainer.fit(net, DataLoader(TensorDataset(torch.ones(4, 1)), batch_size=1))
print("lightning", lightning.__version__, "the weight after each of four batches", net.seen)
assert net.seen == [0.0, 0.0, -1.0, -1.3333], "this has changed"
PY
