#!/usr/bin/env bash
# albumentations 2.0.8, torch 2.13.0: a Compose has random generators of its own, which a DataLoader's workers get as
# copies of one state. Each of them draws the same crops and the same light as the others, and as each epoch starts new
# workers, every epoch draws what the first one drew: a thousand images in four workers see 250 draws, for the whole
# run. One would have guessed that a transform without a seed is another each time, as torchvision's are in workers,
# and these are without. Nothing is said, the more workers the less augmentation, and the loss on the training set
# falls the faster. With persistent_workers=True epochs differ, and workers don't. A worker_init_fn that calls
# `set_random_seed(torch.initial_seed() % 2**32)` is right.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 albumentations==2.0.8 opencv-python-headless==5.0.0.93
cat > "$work/seen.py" <<'PY'
import albumentations
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info


class Grey(Dataset):
    """Eight equal images, each of which is known by the brightness that it is given."""

    def __init__(self):
        light = albumentations.RandomBrightnessContrast(brightness_limit=0.5, contrast_limit=0, p=1)
        self.transform = albumentations.Compose([light])

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return int(self.transform(image=np.full((8, 8, 3), 128, np.uint8))["image"][0, 0, 0])


def reseed(number):
    get_worker_info().dataset.transform.set_random_seed(torch.initial_seed() % 2**32)


def epochs(**options):
    """What two epochs of two batches draw: the halves of each are of two workers, where there are some."""
    loader = DataLoader(Grey(), batch_size=4, **options)
    return [[batch.tolist() for batch in loader] for _ in range(2)]


if __name__ == "__main__":
    print("albumentations", albumentations.__version__, "torch", torch.__version__)
    alone, workers = epochs(), epochs(num_workers=2)
    kept, seeded = epochs(num_workers=2, persistent_workers=True), epochs(num_workers=2, worker_init_fn=reseed)
    for name, seen in {"no workers": alone, "two": workers, "kept": kept, "seeded": seeded}.items():
        print(f"{name:10}", *seen)
    assert workers[0][0] == workers[0][1] == workers[1][0] == workers[1][1], "this has changed"
    assert kept[0][0] == kept[0][1] != kept[1][0] == kept[1][1], "this has changed"
    for seen in (alone, seeded):
        assert len({str(batch) for epoch in seen for batch in epoch}) == 4
PY
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" -W ignore "$work/seen.py"
