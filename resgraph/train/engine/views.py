"""A net and views of each image → one that gives the mean of what it says of them (test-time
augmentation).

A mirror image counts as much as its image. With shifts, the image and its mirror image count as
much as both of them shifted by one pixel, up and left or down and right, over mirrored edges
(Jordan 2024, arXiv 2404.00498, section 3.5)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ...language.recipe import Train
from .several import first


class Views(nn.Module):
    """The net, in evaluation, over `views` of its images; the mean of its first output."""

    def __init__(self, net: nn.Module, *, shifted: bool) -> None:
        super().__init__()
        self.net, self.shifted = net, shifted
        self.training = net.training

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels, height, width) → the net's first output, in fp32."""
        still = self._mirrored(images)
        if not self.shifted:
            return still
        height, width = images.shape[2:]
        around = F.pad(images, (1, 1, 1, 1), mode="reflect")
        corners = (
            around[:, :, :height, :width],
            around[:, :, 2 : 2 + height, 2 : 2 + width],
        )
        up, down = map(self._mirrored, corners)
        return 0.5 * still + 0.25 * (up + down)

    def _mirrored(self, images: Tensor) -> Tensor:
        return 0.5 * (
            first(self.net(images)) + first(self.net(images.flip(3)))
        )


def viewed(net: nn.Module, train: Train) -> nn.Module:
    """The net as an evaluation of the recipe asks it."""
    if train.views is None:
        return net
    return Views(net, shifted=train.views == "mirror-shift")
