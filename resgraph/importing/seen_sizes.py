"""A model of timm or torchvision → the size of image that its weights saw, without a download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..ops import Shape
from ..structs import Frozen

_USUAL: Shape = (3, 224, 224)
_FRAMES = 16
"""Of a clip."""


class SeenSize(Frozen):
    """The size of a model's image, and who says so."""

    shape: Shape = _USUAL
    why: str = "the usual size of an image"


def torchvision_size(models: Any, name: str) -> SeenSize:
    """By the transforms of the weights: what is cut out, or of a segmentation what is resized to.
    Of several the smallest, for which a builder without weights builds; a detector says none."""
    known = [each.transforms() for each in models.get_model_weights(name)]
    sizes = [*filter(None, map(_cut, known))]
    if not sizes:
        return SeenSize()
    height, width = (min(sizes) * 2)[:2]
    video = ".video." in models.get_model_builder(name).__module__
    frames = (_FRAMES,) if video else ()
    return SeenSize((3, *frames, height, width), _of("torchvision"))


def _cut(transforms: Any) -> Shape:
    """The sides that transforms bring an image to, none of an object detector's."""
    size = getattr(transforms, "crop_size", None)
    return tuple(size or getattr(transforms, "resize_size", None) or ())


def timm_size(configuration: Any) -> SeenSize | None:
    """By a model's configuration, which its modules have with them; None where it is none."""
    if isinstance(configuration, Mapping):
        given = configuration.get("input_size")
    else:
        given = getattr(configuration, "input_size", None)
    return SeenSize(tuple(given), _of("timm")) if given else None


def size_of(module: Any) -> SeenSize:
    """Of a module that some code built: of a timm model what its configuration says."""
    found = timm_size(getattr(module, "pretrained_cfg", None))
    return found or SeenSize()


def _of(library: str) -> str:
    return f"the size that {library}'s weights saw"
