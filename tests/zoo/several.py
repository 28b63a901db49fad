"""Nets of several outputs: the reference's module, its weights in ours, and what either gives in evaluation and in a step
of training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.random import PCG64, Generator
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from .probe import FACTS, filled

Measured = dict[str, Any]


@dataclass(frozen=True)
class Several:
    """A net of the zoo and the reference that it is; `order` has our rows as the reference registers them."""

    reference: Callable[[Any], nn.Module]
    order: tuple[str, ...]
    eval_size: tuple[int, ...] = (75, 64)
    train_size: tuple[int, ...] = (75, 64)


def _googlenet(torchvision: Any) -> nn.Module:
    made: nn.Module = torchvision.models.googlenet(
        weights=None, aux_logits=True, init_weights=False
    )
    return made


def _inception(torchvision: Any) -> nn.Module:
    made: nn.Module = torchvision.models.inception_v3(
        weights=None, aux_logits=True, init_weights=False
    )
    return made


def _fcn(torchvision: Any) -> nn.Module:
    made: nn.Module = torchvision.models.segmentation.fcn_resnet50(
        weights=None, weights_backbone=None, aux_loss=True
    )
    return made


def _deeplab(torchvision: Any) -> nn.Module:
    made: nn.Module = torchvision.models.segmentation.deeplabv3_resnet50(
        weights=None, weights_backbone=None, aux_loss=True
    )
    return made


def _fpn(torchvision: Any) -> nn.Module:
    made: nn.Module = (
        torchvision.models.detection.backbone_utils.resnet_fpn_backbone(
            backbone_name="resnet50",
            weights=None,
            norm_layer=nn.BatchNorm2d,
            trainable_layers=5,
        )
    )
    return made


_BODY = ("conv1", "conv2", "conv3", "conv4", "conv5")
NETS = {
    "googlenet": Several(
        _googlenet,
        ("conv1", "conv2", "i3a", "i3b", "i4a", "i4b", "i4c", "i4d", "i4e", "i5a", "i5b", "side1", "side2", "head"),
    ),
    "inception-v3": Several(
        _inception, ("stem1", "stem2", "m5", "m6", "side", "m7", "head"), (107, 96), (299, 299)
    ),
    "fcn-resnet-50": Several(_fcn, (*_BODY, "head", "auxiliary"), (48, 40), (48, 40)),
    "deeplabv3-resnet-50": Several(_deeplab, (*_BODY, "head", "auxiliary"), (48, 40), (48, 40)),
    "resnet-50-fpn": Several(_fpn, (*_BODY, "l2", "l3", "l4", "l5", "p2", "p3", "p4", "p5")),
}  # fmt: skip


@cache
def facts() -> dict[str, Measured]:
    """What was measured of the references, by our names of the nets."""
    measured: dict[str, Measured] = json.loads(
        (FACTS / "several.json").read_text()
    )
    return measured


def outputs(given: Any) -> list[Tensor]:
    """What a module gives, as a list: a tensor, a tuple, or a dict of them."""
    if isinstance(given, Tensor):
        return [given]
    return list(given.values() if isinstance(given, dict) else given)


def in_order(net: nn.Module, order: Sequence[str]) -> list[str]:
    """The entries of our net in the order of the reference's."""
    keys = list(net.state_dict())
    found = [
        key for row in order for key in keys if key.startswith(f"{row}.")
    ]
    assert sorted(found) == sorted(keys)
    return found


def load(
    net: nn.Module, order: Sequence[str], entries: dict[str, list[int]]
) -> None:
    """The probe's weights of the reference, into our net."""
    own = in_order(net, order)
    values = [filled(key, tuple(shape)) for key, shape in entries.items()]
    net.load_state_dict(dict(zip(own, values, strict=True)))


def entries_of(net: nn.Module) -> dict[str, list[int]]:
    """The keys and shapes of a state dict."""
    return {
        key: list(value.shape) for key, value in net.state_dict().items()
    }


def images(size: tuple[int, ...], count: int) -> Tensor:
    noise = (
        Generator(PCG64(0))
        .standard_normal((count, 3, *size))
        .astype(np.float32)
    )
    return torch.from_numpy(noise).double()


def _said(output: Tensor) -> Measured:
    return {
        "shape": list(output.shape),
        "first8": output.flatten()[:8].tolist(),
        "sum": output.sum().item(),
        "abs_mean": output.abs().mean().item(),
    }


def evaluated(net: nn.Module, size: tuple[int, ...]) -> list[Measured]:
    """What a net with its weights gives in evaluation, in float64."""
    with torch.no_grad():
        return [
            _said(output)
            for output in outputs(net.double().eval()(images(size, 1)))
        ]


def trained(
    net: nn.Module, size: tuple[int, ...], order: Sequence[str] = ()
) -> Measured:
    """What it gives in training without dropout, and the gradients and running statistics that one backward pass leaves:
    the norm of each, in the order of the reference."""
    net.double().train()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    given = outputs(net(images(size, 2)))
    loss = torch.stack(
        [_weighed(place, output) for place, output in enumerate(given)]
    ).sum()
    loss.backward()
    keys = in_order(net, order) if order else list(net.state_dict())
    return {
        "outputs": [_said(output.detach()) for output in given],
        "norms": [number for key in keys for number in _norms(net, key)],
    }


def _weighed(place: int, output: Tensor) -> Tensor:
    """A loss that every number of an output has its own part in."""
    weights = Generator(PCG64(place + 1)).standard_normal(
        tuple(output.shape)
    )
    return (output * torch.from_numpy(weights)).mean()


def _norms(net: nn.Module, key: str) -> Iterator[float]:
    owner, _, leaf = key.rpartition(".")
    module = net.get_submodule(owner)
    if leaf in ("running_mean", "running_var"):
        yield getattr(module, leaf).norm().item()
    elif leaf != "num_batches_tracked":
        yield getattr(module, leaf).grad.norm().item()


def multiply_adds(net: nn.Module, size: tuple[int, ...]) -> int:
    """Those of one image in evaluation, as torch counts them; an auxiliary classifier, which our nets have in training
    alone, is left out."""
    aux, net.aux_classifier = getattr(net, "aux_classifier", None), None
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net.double().eval()(images(size, 1))
    net.aux_classifier = aux
    return int(counter.get_total_flops()) // 2


def measure(name: str, torchvision: Any) -> Measured:
    """The record of a net in `several.json`."""
    net = NETS[name].reference(torchvision)
    entries = entries_of(net)
    net.load_state_dict(
        {key: filled(key, tuple(shape)) for key, shape in entries.items()}
    )
    return {
        "params": sum(p.numel() for p in net.parameters()),
        "macs": multiply_adds(net, NETS[name].train_size),
        "entries": entries,
        "eval": evaluated(net, NETS[name].eval_size),
        "train": trained(net, NETS[name].train_size),
    }


def apart(ours: Sequence[Measured], theirs: Sequence[Measured]) -> float:
    """The largest relative difference between what two nets gave."""
    pairs = [
        pair
        for one, other in zip(ours, theirs, strict=True)
        for pair in (
            *zip(one["first8"], other["first8"], strict=True),
            (one["sum"], other["sum"]),
            (one["abs_mean"], other["abs_mean"]),
        )
    ]
    return max(abs(a - b) / max(abs(b), 1e-3) for a, b in pairs)
