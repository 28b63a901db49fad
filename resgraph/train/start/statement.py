"""What is said of the images that weights were trained on → the normalization of a run that starts
from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from ...errors import UsageError
from ...language.recipe.base import FILTERS, Filter
from ...language.recipe.data import DataSource, OnDisk
from ...language.recipe.start import IMAGENET, ChannelNorm
from ...structs import Frozen
from ..data.normalize import Normalization
from ..data.sets import DataSet


class StatedImages(Frozen):
    """Pixels in [0, 1] → `x * scale - offset`, of (channels or 1, height or 1, width or 1); `said`
    is what else is known, and `classes` the names of the outputs. The net saw `middle` of the
    shorter side of each image, resized by the filter `way`."""

    scale: Tensor
    offset: Tensor
    said: str = ""
    classes: tuple[str, ...] = ()
    middle: float | None = None
    way: Filter | None = None

    @classmethod
    def of(
        cls,
        mean: Sequence[float],
        std: Sequence[float],
        said: str = "",
        classes: Sequence[str] = (),
    ) -> StatedImages:
        """By mean and deviation of each channel."""
        scale = 1 / torch.tensor(list(std), dtype=torch.float64)
        offset = torch.tensor(list(mean), dtype=torch.float64) * scale
        return cls(
            scale.float()[:, None, None],
            offset.float()[:, None, None],
            said,
            tuple(classes),
        )

    def seen(self, middle: float | None, way: str | None) -> StatedImages:
        """With what of each image the net saw, and by which filter, where that is one of ours."""
        known = next((ours for ours in FILTERS if ours == way), None)
        return replace(self, middle=middle, way=known)

    @classmethod
    def of_run(cls, document: Mapping[str, Any]) -> StatedImages:
        """By a run's preprocess.json."""
        own = Normalization.read(document["normalize"])
        scale = own.scale * float(document["levels"])
        return cls(scale, own.offset, "", tuple(document["classes"]))

    def normalization(self, levels: int) -> Normalization:
        """Of pixels in 0..levels."""
        return Normalization(self.scale / levels, self.offset)

    def side(self, shape: Sequence[int]) -> int | None:
        """The shorter side of an image before its middle of this shape is cut out, as timm 1.0 has
        it; None where nothing is known of it."""
        return (
            None
            if self.middle is None
            else int(min(shape[1:]) / self.middle)
        )

    def cropped(self, data: DataSet, recipe: DataSource) -> DataSet:
        """A set whose images on disk are resized as these were, where its recipe does not say
        how."""
        if not isinstance(recipe, OnDisk):
            return data
        return replace(
            data,
            resize=recipe.resize or self.side(data.shape) or data.resize,
            way=recipe.interpolation or self.way or data.way,
        )

    def takes(self, shape: Sequence[int]) -> bool:
        """Whether it is one for images of this shape."""
        parts = zip(self.offset.shape, shape, strict=True)
        fits = len(self.offset.shape) == len(shape) and all(
            a in (1, b) for a, b in parts
        )
        return fits and self.scale.shape[0] in (1, shape[0])

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "scale": self.scale.tolist(),
            "offset": self.offset.tolist(),
            "said": self.said,
            "classes": list(self.classes),
            "middle": self.middle,
            "filter": self.way,
        }

    @classmethod
    def read(
        cls, document: Mapping[str, Any] | None
    ) -> StatedImages | None:
        """From JSON."""
        if document is None:
            return None
        return cls(
            torch.tensor(document["scale"]),
            torch.tensor(document["offset"]),
            document["said"],
            tuple(document["classes"]),
            document.get("middle"),  # older runs have none
            document.get("filter"),
        )


def chosen(
    how: str | ChannelNorm | None,
    stated: StatedImages | None,
    shape: Sequence[int],
) -> StatedImages | None:
    """What `normalize` takes for images of a shape; None where they are to be measured.

    Raises `UsageError` where it asks for what the weights do not say."""
    if how == "imagenet":
        return StatedImages.of(*IMAGENET)
    if isinstance(how, ChannelNorm):
        return StatedImages.of(how.mean, how.std)
    if how not in (None, "weights"):
        return None
    if stated is not None and stated.takes(shape):
        return stated
    if how == "weights":
        lacks = (
            "say nothing of their images"
            if stated is None
            else "read other images"
        )
        raise UsageError(
            f"`normalize: weights`: the weights {lacks}; write `measured`, `imagenet` or"
            " {mean: …, std: …}"
        )
    return None
