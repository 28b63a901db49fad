"""Training images → the mean and standard deviation that normalize every image, at a prediction
too."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from ...errors import TrainingError
from ...structs import Frozen
from .sets import Resident

CHUNK = 2**22
"""Numbers that are added up at a time, in float64."""


class Normalization(Frozen):
    """uint8 images → float32: `x * scale - offset`, with `scale` and `offset` of (channels or 1,
    height or 1, width or 1). `beside` has one for each further input of the net."""

    scale: Tensor
    offset: Tensor
    beside: tuple[Normalization, ...] = ()

    def __call__(self, images: Tensor) -> Tensor:
        """(n, channels, height, width) of uint8 or float pixels → float32 around 0."""
        scale, offset = self.scale, self.offset
        if images.ndim == 4 and not images.is_contiguous():
            # of one layout, for torch goes over three channels at a time else
            scale, offset = (
                one.expand(images.shape[1:])[None].contiguous(
                    memory_format=torch.channels_last
                )
                for one in (scale, offset)
            )
        return images.to(torch.float32, copy=True).mul_(scale).sub_(offset)

    @property
    def by_channel(self) -> bool:
        """Whether all places of a channel are normalized alike."""
        return self.scale[0].numel() == self.offset[0].numel() == 1

    def to(self, device: torch.device) -> Normalization:
        """The same on another device."""
        beside = tuple(one.to(device) for one in self.beside)
        return Normalization(
            self.scale.to(device), self.offset.to(device), beside
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        own = {"scale": self.scale.tolist(), "offset": self.offset.tolist()}
        beside = [one.document() for one in self.beside]
        return {**own, "beside": beside} if beside else own

    @classmethod
    def read(cls, document: dict[str, Any]) -> Normalization:
        """From JSON."""
        beside = tuple(map(cls.read, document.get("beside", ())))
        scale, offset = (
            torch.tensor(document[key]) for key in ("scale", "offset")
        )
        return cls(scale, offset, beside)


def measure(
    images: Resident,
    levels: int,
    how: Literal["per-channel", "per-pixel", "scale"],
) -> Normalization:
    """What the training images say, in pixels scaled to [0, 1].

    `per-channel` takes out mean and standard deviation of each channel, `per-pixel` the mean image
    (He et al. 2016), `scale` nothing."""
    shape = images.images.shape[1:]
    total = torch.zeros(shape, dtype=torch.float64)
    lead = (len(total), *[1] * (total.ndim - 1))
    if how == "scale":
        return Normalization(
            torch.full(lead, 1 / levels), torch.zeros(lead)
        )
    square = torch.zeros_like(total)
    some = max(1, CHUNK // total.numel())
    for first in range(0, len(images), some):
        values = (
            images.images[first : first + some].to(torch.float64) / levels
        )
        total += values.sum(0)
        square += values.square().sum(0)
    mean, square = total / len(images), square / len(images)
    if how == "per-pixel":
        return Normalization(
            torch.full(lead, 1 / levels), mean.to(torch.float32)
        )
    if axes := tuple(range(1, total.ndim)):
        mean, square = (
            part.mean(axes, keepdim=True) for part in (mean, square)
        )
    std = (square - mean.square()).clamp_min(1e-12).sqrt()
    scale = (1 / (levels * std)).to(torch.float32)
    return Normalization(scale, (mean / std).to(torch.float32))


def standard(values: Tensor) -> Normalization:
    """What brings a further input (n, …) to mean 0 and deviation 1, each number or channel of it by
    itself; what is the same for all only loses its mean."""
    rows = values.to(torch.float64).transpose(0, 1).flatten(1)
    std, mean = torch.std_mean(rows, 1, correction=0)
    shape = (-1, *[1] * (values.ndim - 2))
    # of a constant, rounding leaves a little more than nothing
    std = torch.where(std > 1e-9 * mean.abs(), std, 1.0)
    scale, offset = (
        part.to(torch.float32).view(shape) for part in (1 / std, mean / std)
    )
    return Normalization(scale, offset)


def need_variance(images: Tensor, about: str) -> None:
    """Raises `TrainingError` where a channel of (n, channels, height, width) is of one value
    throughout; `about` says where they are."""
    rows = images.transpose(0, 1).flatten(1)
    flat = [
        number for number, row in enumerate(rows) if row.min() == row.max()
    ]
    if not flat:
        return
    which = (
        "every channel"
        if len(flat) == len(rows)
        else f"channel {', '.join(map(str, flat))}"
    )
    raise TrainingError(
        f"{about}: {which} of the training images has one value throughout ({len(images):,} looked"
        " at), so there is nothing to learn from it; are these the right images? `normalize: scale`"
        " takes them as they are"
    )
