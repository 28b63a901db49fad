#!/usr/bin/env bash
# datasets 5.2.0: load_dataset("imagefolder") takes a folder or a file for a part of the data set where "train", "test",
# "val", "dev" or "eval" is a word of its name, and then leaves out all that names no part. Of the folders car, bus and
# train, three classes as CIFAR-100, VOC and COCO have them, it loads the images of the trains, without a label; of
# "healthy" and "test tube" it makes a test set; of images among which is a "val 4.png", a validation set. One would
# have guessed that folders side by side are treated alike, as of car, bus and plane they are, or that images which are
# left out are told of: nothing is. Put below a folder "train", all classes are there.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q datasets==5.2.0 pillow==12.2.0 numpy==2.4.6
HF_HOME="$work/home" HF_HUB_OFFLINE=1 "$work/venv/bin/python" - "$work/trees" <<'PY'
import pathlib
import sys

import datasets
from PIL import Image

datasets.disable_progress_bars()


def loaded(*names):
    """What is read of a tree with these files: part → (images, classes)."""
    root = pathlib.Path(sys.argv[1]) / str(abs(hash(names)))
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name)
    parts = datasets.load_dataset("imagefolder", data_dir=str(root))
    return {
        name: (len(part), part.features["label"].names if "label" in part.features else None)
        for name, part in parts.items()
    }


def tree(*classes):
    return loaded(*[f"{each}/{number}.png" for each in classes for number in range(4)])


plane, train = tree("bus", "car", "plane"), tree("bus", "car", "train")
tube = tree("healthy", "test tube")
files = loaded(*[f"{each}/{name}.png" for each in ("bus", "car") for name in ("1", "2", "3", "val 4")])
below = tree("train/bus", "train/car", "train/train")
print("datasets", datasets.__version__)
for name, seen in {"plane": plane, "train": train, "test tube": tube, "val 4": files, "below": below}.items():
    print(f"{name:10}", seen)
assert plane == {"train": (12, ["bus", "car", "plane"])}
assert train == {"train": (4, None)}, "this has changed"
assert tube == {"test": (4, None)}, "this has changed"
assert files == {"validation": (2, ["bus", "car"])}, "this has changed"
assert below == {"train": (12, ["bus", "car", "train"])}
PY
