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

from resgraph.outputs.pytorch.align import load_aligned

FACTS = Path(__file__).parents[1] / "golden_facts"

Shape = tuple[int, ...]


@cache
def facts(library: str) -> dict[str, dict[str, Any]]:
    """Every record of a library, by the net's name."""
    records = json.loads((FACTS / f"{library}.json").read_text())
    return {record["name"]: record for record in records}


@cache
def _keys() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = json.loads(gzip.decompress((FACTS / "keys.json.gz").read_bytes()))
    return loaded


def entries(library: str, name: str) -> dict[str, Shape]:
    """The reference's state dict: keys in their order, and shapes."""
    found = {}
    for entry in _keys()[f"{library}/{name}"]:
        key, _, shape = entry.partition(" ")
        found[key] = tuple(int(number) for number in re.findall(r"\d+", shape))
    return found


def filled(key: str, shape: Shape) -> torch.Tensor:
    """The probe's value of one entry."""
    random = Generator(PCG64(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")))
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if leaf == "running_mean" or (leaf != "running_var" and len(shape) == 1 and "bias" in leaf):
        value = 0.1 * random.standard_normal(shape)
    elif len(shape) >= 2:
        value = random.standard_normal(shape, dtype=np.float32) * np.float32(1 / math.sqrt(math.prod(shape[1:])))
    else:
        value = random.uniform(0.5, 1.5, shape)
    return torch.from_numpy(value.astype(np.float32))


def probe(net: nn.Module, library: str, name: str) -> torch.Tensor:
    """What a net gives for the probe's input once it has the probe's weights: a vector in float64."""
    load_aligned(net, {key: filled(key, shape) for key, shape in entries(library, name).items()})
    size = facts(library)[name]["probe_f64"]["input"]
    image = Generator(PCG64(0)).standard_normal(size).astype(np.float32)
    with torch.no_grad():
        return net.double().eval()(torch.from_numpy(image).double()).flatten()


def disagreement(output: torch.Tensor, library: str, name: str) -> float:
    """The largest relative difference between an output and the reference's."""
    golden = facts(library)[name]["probe_f64"]
    assert output.numel() == golden["numel"]
    pairs = [*zip(output[:8].tolist(), golden["first8"], strict=True)]
    pairs += [(output.sum().item(), golden["sum"]), (output.abs().mean().item(), golden["abs_mean"])]
    return max(abs(ours - theirs) / max(abs(theirs), 1e-3) for ours, theirs in pairs)
