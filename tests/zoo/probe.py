"""A reference net's name → its state dict, filled by the recipe of `tests/golden_facts/README.md`, and what it gave."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import PCG64, Generator
from torch import nn

from resgraph.outputs.pytorch.weights.align import align

FACTS = Path(__file__).parents[1] / "golden_facts"

Shape = tuple[int, ...]

IN_ORDER = (
    "shufflenet",
    "legacy_xception",
    "inception_resnet",
    "dpn",
    "selecsls",
    "convnextv2",
    "botnet",
    "resnet50_clip",
    "vit",
    "tf_efficientnet",
    "hgnetv2",
    "dm_nfnet",
)
"""Nets with neighbours of one shape, which shapes and names do not tell apart: their order is ours, but for Xception's
skips and BoTNet's shortcuts, which stand before their bodies there."""


@cache
def facts(library: str) -> dict[str, dict[str, Any]]:
    """Every record of a library, by the net's name."""
    records = json.loads((FACTS / f"{library}.json").read_text())
    return {record["name"]: record for record in records}


@cache
def _keys() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = json.loads(
        gzip.decompress((FACTS / "keys.json.gz").read_bytes())
    )
    return loaded


def entries(library: str, name: str) -> dict[str, Shape]:
    """The reference's state dict: keys in their order, and shapes."""
    found = {}
    for entry in _keys()[f"{library}/{name}"]:
        key, _, shape = entry.partition(" ")
        found[key] = tuple(
            int(number) for number in re.findall(r"\d+", shape)
        )
    return found


def filled(key: str, shape: Shape) -> torch.Tensor:
    """The probe's value of one entry."""
    random = Generator(
        PCG64(
            int.from_bytes(
                hashlib.sha256(key.encode()).digest()[:8], "little"
            )
        )
    )
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if leaf == "running_mean" or (
        leaf != "running_var" and len(shape) == 1 and "bias" in leaf
    ):
        value = 0.1 * random.standard_normal(shape)
    elif len(shape) >= 2:
        value = random.standard_normal(
            shape, dtype=np.float32
        ) * np.float32(1 / math.sqrt(math.prod(shape[1:])))
    else:
        value = random.uniform(0.5, 1.5, shape)
    return torch.from_numpy(value.astype(np.float32))


def _block(key: str) -> str:
    """The block of an entry: `stages.0.1` where stages are numbered, else its first name."""
    parts = key.split(".")
    return ".".join(parts[: 3 if parts[0] == "stages" else 1])


def _ordered(keys: list[str]) -> list[str]:
    """Keys in our order: in each block what is skipped last, behind NFNet's gain; the patches before their places."""
    keys = sorted(keys, key=lambda key: not key.startswith("patch_embed"))
    first: dict[str, int] = {}
    for place, key in enumerate(keys):
        first.setdefault(_block(key), place)
    skips = re.compile(r"\.(skip|shortcut)|(stages\.\d+\.\d+\.downsample)")

    def place(key: str) -> tuple[int, int]:
        found = skips.search(key)
        return first[_block(key)], found.lastindex or 0 if found else 0

    return sorted(keys, key=place)


def paired(net: nn.Module, library: str, name: str) -> dict[str, str]:
    """The reference's key of every entry of a net, each of its shape."""
    ours, theirs = net.state_dict(), entries(library, name)
    if not name.startswith(IN_ORDER):
        return align(ours, theirs)
    ordered = _ordered([*theirs])
    pairs = dict(zip(ours, ordered, strict=True))
    assert all(
        ours[own].numel() == math.prod(theirs[key])
        for own, key in pairs.items()
    )
    return pairs


def probe(net: nn.Module, library: str, name: str) -> torch.Tensor:
    """What a net gives for the probe's input once it has the probe's weights: a vector in float64."""
    fill(net, library, name)
    size = facts(library)[name]["probe_f64"]["input"]
    with torch.no_grad():
        image = torch.from_numpy(_normal(0, size)).double()
        return net.double().eval()(image).flatten()


def fill(net: nn.Module, library: str, name: str) -> None:
    """Give a net the probe's weights."""
    theirs = {
        key: filled(key, shape)
        for key, shape in entries(library, name).items()
    }
    shapes = {own: entry.shape for own, entry in net.state_dict().items()}
    net.load_state_dict(
        {
            own: theirs[key].reshape(shapes[own])
            for own, key in paired(net, library, name).items()
        }
    )


def training() -> dict[str, dict[str, Any]]:
    """By `timm/dpn68` what a reference gave in training mode: its output, gradients, statistics."""
    packed = (FACTS / "training.json.gz").read_bytes()
    loaded: dict[str, dict[str, Any]] = json.loads(gzip.decompress(packed))
    return loaded


def trained(
    net: nn.Module, library: str, name: str
) -> dict[str, torch.Tensor]:
    """What a net with the probe's weights gives in training mode for the probe's batch, and its
    gradients (of the output times the numbers of `PCG64(1)`) and statistics, by the reference's
    keys."""
    theirs = paired(net, library, name)
    fill(net, library, name)
    size = training()[f"{library}/{name}"]["input"]
    image = torch.from_numpy(_normal(0, size)).double().requires_grad_()
    output = net.double().train()(image)
    (
        output * torch.from_numpy(_normal(1, output.shape)).double()
    ).sum().backward()
    assert image.grad is not None
    found = {"output": output, "input_gradient": image.grad}
    found |= {
        theirs[key]: p.grad
        for key, p in net.named_parameters()
        if p.grad is not None
    }
    buffers = net.named_buffers()
    return found | {
        theirs[key]: b for key, b in buffers if "running" in key
    }


def _normal(seed: int, size: Any) -> np.ndarray:
    numbers = Generator(PCG64(seed)).standard_normal(tuple(size))
    return numbers.astype(np.float32)


def disagreement(output: torch.Tensor, library: str, name: str) -> float:
    """The largest relative difference between an output and the reference's."""
    golden = facts(library)[name]["probe_f64"]
    assert output.numel() == golden["numel"]
    pairs = [*zip(output[:8].tolist(), golden["first8"], strict=True)]
    pairs += [
        (output.sum().item(), golden["sum"]),
        (output.abs().mean().item(), golden["abs_mean"]),
    ]
    return max(
        abs(ours - theirs) / max(abs(theirs), 1e-3)
        for ours, theirs in pairs
    )
