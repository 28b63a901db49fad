#!/usr/bin/env bash
# timm 1.0.31, torchvision 0.28.0: one tree of folders has two numberings of its classes. torchvision's ImageFolder
# sorts folders as text, "10" before "2", and takes a class for each folder; timm's reader sorts by the numbers in
# names, and takes a class for each folder that holds an image. One would have guessed the order of `sorted`, as
# ImageFolder documents it, from whatever reads "an image folder": of a tree whose folders are numbers, what timm
# trained is wrong on most classes of torchvision's loader, with every shape right, and an empty folder moves all
# classes behind it. Numbers of one width ("002") agree; so does `class_map=` with a file of torchvision's order.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip"
"$pip" install -q torch==2.13.0 numpy==2.4.6 pillow==12.2.0 pyyaml==6.0.3 safetensors==0.7.0 huggingface_hub==1.18.0
"$pip" install -q --no-deps timm==1.0.31 torchvision==0.28.0
"$work/venv/bin/python" - <<'PY'
import warnings
import tempfile
from pathlib import Path

import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
warnings.simplefilter("ignore")
import timm
import torchvision
from PIL import Image
from timm.data import create_dataset
from torchvision.datasets import ImageFolder


def numbered(folders, *, empty=(), by_file=False):
    """Of each folder, by torchvision and by timm."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name in folders:
            (root / name).mkdir()
            if name not in empty:
                Image.new("RGB", (4, 4)).save(root / name / "image.png")
        theirs = ImageFolder(place, allow_empty=True).class_to_idx
        how = {}
        if by_file:
            (root / "order.txt").write_text("\n".join(sorted(folders)))
            how["class_map"] = str(root / "order.txt")
        return theirs, create_dataset("", root=place, **how).reader.class_to_idx


print("timm", timm.__version__, "torchvision", torchvision.__version__)
plain = [str(number) for number in range(12)]
wide = [f"{number:03}" for number in range(12)]
for name, seen in (
    ("numbers", numbered(plain)),
    ("of one width", numbered(wide)),
    ("the first is empty", numbered(wide, empty=wide[:1])),
    ("by a file", numbered(plain, by_file=True)),
):
    theirs, ours = seen
    same = sum(theirs[label] == number for label, number in ours.items())
    print(f"{name:20} {same} of {len(theirs)} alike; torchvision {theirs}; timm {ours}")
    expected = {"numbers": 2, "the first is empty": 0}.get(name, 12)
    assert same == expected, "this has changed"
PY
