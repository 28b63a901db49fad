#!/usr/bin/env bash
# torchmetrics 1.9.0: PeakSignalNoiseRatio is that of the squared error over all pixels of all images, not the mean of
# the images' ratios, as StructuralSimilarityIndexMeasure beside it gives of its own. Of eight images with noise of
# 0.005 to 0.2 it is 18.6 dB, where their mean is 23.5: the worst images decide. One would have guessed a mean over
# images, "average PSNR value over sample" as the manual has it: a table has one row that is some dB too low, by as
# much as the images differ, and batches of one image by `forward` give the other number. `dim=(1, 2, 3)` takes the
# ratio of each image, and their mean.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$work/venv/bin/python" - <<'PY'
import torch
import torchmetrics
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

generator = torch.Generator().manual_seed(0)
clean = torch.rand(8, 1, 16, 16, generator=generator)
strength = torch.linspace(0.005, 0.2, 8)[:, None, None, None]
noisy = clean + strength * torch.randn(clean.shape, generator=generator)
each = -10 * (noisy - clean).square().mean((1, 2, 3)).log10()
whole = -10 * (noisy - clean).square().mean().log10()


def score(metric):
    """Over eight batches of an image: what it says in the end, and the mean of what it says of each."""
    said = [metric(noisy[n : n + 1], clean[n : n + 1]) for n in range(8)]
    return round(metric.compute().item(), 3), round(torch.stack(said).mean().item(), 3)


plain, by_image = score(PeakSignalNoiseRatio(data_range=1.0)), score(PeakSignalNoiseRatio(data_range=1.0, dim=(1, 2, 3)))
ssim = score(StructuralSimilarityIndexMeasure(data_range=1.0))
print("torchmetrics", torchmetrics.__version__, "mean of the images", each.mean().item(), "of all pixels", whole.item())
print("PSNR: in the end, mean of each", plain, "with dim", by_image, "SSIM", ssim)
assert abs(plain[0] - whole) < 0.01 and plain[0] < each.mean() - 4, "this has changed"
assert abs(plain[1] - each.mean()) < 0.01 and abs(by_image[0] - each.mean()) < 0.01
assert abs(ssim[0] - ssim[1]) < 0.002
PY
