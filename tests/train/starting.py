"""Small nets on synthetic images, and the weights that they start from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import resgraph
from resgraph.train import Options, build
from resgraph.train.run.result import RunResult

NET = """
name: small
input: {channels}x8x8
net:
  conv1: 3x3 conv 4
  conv2: basic 4
  conv3: 2 x basic 8 /2
  head: [global avg pool, fc {classes}]
train:
  data: {{set: synthetic, samples: 48, validation: 16}}
  epochs: 2
  batch: 16
  optimizer: {{name: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.01}}
"""


def spec(
    place: Path, *lines: str, classes: int = 3, channels: int = 3
) -> Path:
    """A spec at a place, with more keys of its recipe."""
    text = NET.format(classes=classes, channels=channels)
    place.write_text(text + "".join(f"  {line}\n" for line in lines))
    return place


def plan(place: Path, *lines: str, **facts: int) -> resgraph.Plan:
    return resgraph.load(spec(place, *lines, **facts))


def trained(plan: resgraph.Plan, out: Path, **options: Any) -> RunResult:
    return build(plan, out=out, options=Options(threads=1, **options))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "weights.safetensors")


def digest(tensors: dict[str, torch.Tensor], *rows: str) -> str:
    """SHA-256 of all entries of some rows."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        if name.split(".")[0] in rows:
            found.update(
                name.encode() + tensors[name].contiguous().numpy().tobytes()
            )
    return found.hexdigest()
