"""timm's names of HRNet's layers → ours, and what a net with the probe's weights gives and learns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.random import PCG64, Generator
from torch import Tensor, nn

from .probe import FACTS, filled

BOTTLENECK = re.compile(r"(conv|bn)([123])$")
SIZE = 64


def facts() -> dict[str, Any]:
    """What timm 1.0.31's hrnet_w18 counts, gives and learns."""
    found: dict[str, Any] = json.loads((FACTS / "hrnet.json").read_text())
    return found


def block(prefix: str, rest: str) -> str:
    """A layer of a basic block or a bottleneck."""
    if rest.startswith("downsample"):
        return f"{prefix}.shortcut.{('conv', 'bn')[int(rest[-1])]}"
    kind, number = BOTTLENECK.fullmatch(rest).groups()  # type: ignore[union-attr]
    return f"{prefix}.body.{int(number) - 1}.{kind}"


def own_name(layer: str) -> str:
    """Our name of one of timm's layers."""
    word = ("conv", "bn")[int(layer[-1])] if layer[-1] in "01" else ""
    if found := re.fullmatch(r"(conv|bn)([12])", layer):
        return f"stem.{int(found[2]) - 1}.{found[1]}"
    if found := re.fullmatch(r"layer1\.(\d)\.(.*)", layer):
        return block(f"stem.{2 + int(found[1])}", found[2])
    if found := re.fullmatch(
        r"stage(\d)\.(\d)\.branches\.(\d)\.(\d)\.(.*)", layer
    ):
        stage, module, branch, place = map(int, found.groups()[:4])
        path = f"stage{stage}.{module + 1}.{'abcd'[branch]}1"
        return block(f"{path}.{place + 1}", found[5])
    if found := re.fullmatch(
        r"stage(\d)\.(\d)\.fuse_layers\.(\d)\.(\d)\.(.*)", layer
    ):
        stage, module, into, source = map(int, found.groups()[:4])
        path = f"stage{stage}.{module + 1}.y{into + 1}.{'abcd'[source]}"
        if source > into:
            return f"{path}.1.0.{word}"
        return f"{path}.{int(found[5][0]) + 1}.{word}"
    if found := re.fullmatch(r"incre_modules\.(\d)\.0\.(.*)", layer):
        place = int(found[1])
        return block(f"h{place + 1}.y.1" if place else "h1.1", found[2])
    if found := re.fullmatch(r"downsamp_modules\.(\d)\.\d", layer):
        return f"h{int(found[1]) + 2}.next.1.{word}"
    begins = {
        "transition1.0": "stage2.0.a",
        "transition1.1.0": "stage2.0.b",
        "transition2.2.0": "stage3.0.c.1",
        "transition3.3.0": "stage4.0.d.1",
        "final_layer": "head.0",
    }
    if layer == "classifier":
        return "head.2"
    return f"{begins[layer[:-2]]}.{word}"


def measure(
    net: nn.Module,
    entries: Mapping[str, list[int]],
    own: Callable[[str], str],
) -> dict[str, Any]:
    """What a net gives for noise in evaluation and in training, and the norms of its gradients, with the probe's value
    for each of timm's `entries`, which the net calls by `own` of its layer."""
    net = net.double()
    keys = {
        key: f"{own(key.rpartition('.')[0])}.{key.rpartition('.')[2]}"
        for key in entries
    }
    net.load_state_dict(
        {
            keys[key]: filled(key, tuple(shape)).double()
            for key, shape in entries.items()
            if not key.endswith("tracked")
        },
        strict=False,
    )
    noise = Generator(PCG64(0)).standard_normal((2, 3, SIZE, SIZE))
    image = torch.from_numpy(noise.astype(np.float32)).double()
    found: dict[str, Any] = {}
    for mode in ("eval", "train"):
        out: Tensor = net.train(mode == "train")(image)
        found[mode] = [
            *out[0, :8].tolist(),
            out.sum().item(),
            out.abs().mean().item(),
        ]
    out.square().mean().backward()
    grads = dict(net.named_parameters())
    norms = [
        grads[own_key].grad.norm().item()  # type: ignore[union-attr]
        for own_key in keys.values()
        if own_key in grads
    ]
    found["gradients"] = [
        len(norms),
        sum(norms),
        *norms[:: len(norms) // 12],
    ]
    state = net.state_dict()
    found["means"] = sum(
        state[keys[key]].sum().item()
        for key in keys
        if key.endswith("running_mean")
    )
    return found
