"""A validation image → a data URI, as a person would look at it: the whole of it, not as the net
reads it."""

from __future__ import annotations

import base64
import io

import torch
from PIL import Image
from torch import Tensor

from ..data.formats.decoder import UNREADABLE, open_image
from ..data.sets import DataSet, Files, Packed, Resident

SIDE = 224
"""The longer side of a picture, at most."""
PLAIN = 96
"""Sides up to which a picture is PNG, each pixel as it is."""


def picture(data: DataSet, number: int) -> str:
    """A data URI; "" where the image is none that can be shown, or cannot be read any more."""
    part = data.validation
    if isinstance(part, Resident):
        image = _of_tensor(part.images[number], data.levels)
    else:
        image = _of_file(data, part, number)
    return _uri(image) if image else ""


def name(data: DataSet, number: int) -> str:
    """What an image is called: its path from the folder of the set."""
    part = data.validation
    if isinstance(part, Resident):
        return f"image {number:,}"
    called = part.name(number)
    root = f"{data.path}/" if data.path else ""
    return called.removeprefix(root)


def _of_file(
    data: DataSet, part: Files | Packed, number: int
) -> Image.Image | None:
    try:
        source = part.source(number)
        return open_image(source, data.shape[0], SIDE, exif=data.exif)
    except UNREADABLE:
        return None


def _of_tensor(values: Tensor, levels: int) -> Image.Image | None:
    """Pixels (channels, height, width) of one channel or three; of others there is no picture."""
    if values.ndim != 3 or values.shape[0] not in (1, 3):
        return None
    pixels = (
        (values.to(torch.float32) * (255 / levels)).round().clamp(0, 255)
    )
    rows = pixels.to(torch.uint8).movedim(0, -1).contiguous().numpy()
    return Image.fromarray(rows[..., 0] if rows.shape[2] == 1 else rows)


def _uri(image: Image.Image) -> str:
    kind = "png" if max(image.size) <= PLAIN else "jpeg"
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
