"""A recipe and an epoch → the size of the training images: smaller ones first, where the recipe
says so.

Early epochs on small images cost less and lose little (Howard 2018 on DAWNBench; Tan, Le 2021,
section 4). The size depends on the epoch alone, so a resume sees the same images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import UsageError
from ...language.recipe import Train
from ...ops.base import Shape, shape_text
from ...passes.data_fit import image_input
from ...passes.recipe_fit import scaled
from ...plan import Plan
from .crops import ImageSize


def size_at(
    epoch: int, train: Train, steps_per_epoch: int, full: ImageSize
) -> ImageSize:
    """Height and width of the images of an epoch (counted from 0); `full` is what the net is
    written for."""
    if train.progressive is None:
        return full
    epochs = (
        train.length
        if train.unit == "epochs"
        else train.length / steps_per_epoch
    )
    sides, until = train.progressive.sides, train.progressive.until
    place = int(epoch / (epochs * until) * len(sides))
    if place >= len(sides):
        return full
    _, height, width = scaled((0, *full), sides[place])
    return height, width


def decoded_size(train: Train, full: ImageSize) -> ImageSize:
    """Height and width at which images on disk are cut for training: the one size that they have
    throughout, where pixels are not normalized place by place."""
    whole = train.progressive
    by_channel = train.normalize in (
        "imagenet",
        "per-channel",
        "measured",
        "scale",
    )
    one = whole is not None and whole.until == 1 and len(whole.sides) == 1
    return size_at(0, train, 1, full) if one and by_channel else full


def resized(images: Tensor, size: ImageSize) -> Tensor:
    """(n, channels, height, width) float at `size`, low-passed where it shrinks."""
    if images.ndim != 4 or images.shape[2:] == size:
        return images
    return F.interpolate(
        images, size, mode="bilinear", align_corners=False, antialias=True
    )


def relative_work(
    train: Train, steps_per_epoch: int, epochs: int, full: ImageSize
) -> float:
    """The mean area of a training image, as a part of the whole one."""
    areas = [
        height * width
        for height, width in (
            size_at(e, train, steps_per_epoch, full) for e in range(epochs)
        )
    ]
    return sum(areas) / (len(areas) * full[0] * full[1])


def check_sizes(plan: Plan, train: Train) -> None:
    """Raises `UsageError` where the net does not take one of the sizes: it is tried without numbers
    (on meta)."""
    if train.progressive is None:
        return
    net, images = plan.module().to("meta").eval(), image_input(plan.inputs)
    for side in train.progressive.sides:
        shape = scaled(plan.inputs[images], side)
        inputs = {**plan.inputs, images: shape}.values()
        try:
            with torch.no_grad():
                zeros = [
                    torch.zeros(1, *one, device="meta") for one in inputs
                ]
                out = tuple(net(*zeros).shape[1:])
        except RuntimeError as error:
            raise _unfit(plan, shape, str(error).split("\n")[0]) from error
        if out != plan.output:
            raise _unfit(plan, shape, f"it puts out {shape_text(out)}")


def _unfit(plan: Plan, shape: Shape, why: str) -> UsageError:
    return UsageError(
        f"`progressive`: {plan.name} does not take {shape_text(shape)} ({why}); "
        "a net takes other sizes where `global avg pool` stands before its `fc`"
    )
