"""Pad, crop, flip and normalize CIFAR images, each by its own luck: resgraph a batch at once,
torchvision's v2 image by image, as its reference loop does."""

from __future__ import annotations

import torch
from measure import heading, interleaved, rows, table
from reference import torchvision
from settings import clock, parser, start

from resgraph.language.recipe.augment import Augment, PadCrop
from resgraph.train.augment.geometry import augment
from resgraph.train.data.normalize import Normalization

MEAN, SPREAD = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)


def main() -> None:
    settings = start(parser(__doc__, rounds=15))
    if torchvision() is None:
        raise SystemExit(
            "this needs torchvision: pip install --no-deps torchvision==0.28.0"
        )
    from torchvision.transforms import v2

    batch = settings.batch or 256
    pixels = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8)
    each = v2.Compose([
        v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, SPREAD),
    ])  # fmt: skip
    spread, mean = (
        torch.tensor(values).view(3, 1, 1) for values in (SPREAD, MEAN)
    )
    normalization = Normalization(1 / (255 * spread), mean / spread).to(
        torch.device(settings.device)
    )
    recipe = Augment(crop=PadCrop(kind="pad", cells=4), flip=True)
    index = torch.arange(batch, device=settings.device)
    resident = pixels.to(settings.device)

    def theirs() -> torch.Tensor:
        return torch.stack([each(image) for image in pixels]).to(
            settings.device
        )

    def ours() -> torch.Tensor:
        return augment(normalization(resident), recipe, 1, index)

    heading(f"Augmentation of {batch} CIFAR images")
    runs = {
        "torchvision v2": theirs,
        "torchvision v2 again": theirs,
        "resgraph": ours,
    }
    found = interleaved(runs, settings.rounds, clock(settings.device))
    table(
        ["", "ms", "against torchvision v2", "images/s"],
        rows(found, "torchvision v2", batch),
    )


if __name__ == "__main__":
    main()
