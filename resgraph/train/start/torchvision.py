"""`ResNet50_Weights.IMAGENET1K_V2`, or the name of a file of download.pytorch.org → the file in
torch.hub's cache, checked by the hash in its name, and how its images were read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch

from ...errors import MissingError, RunError, UsageError
from .statement import StatedImages

SERVER = "https://download.pytorch.org/models/"
_HASHED = re.compile(r"[\w.-]+-([0-9a-f]{8,})\.pth")
"""A file's name with the beginning of its SHA-256, as torch.hub has it."""
_TURNED = ("GoogLeNet_", "Inception_V3_")
"""Weights whose nets in torchvision turn normalized images to [-1, 1] themselves (0.28,
`transform_input`), which is in no state dict and in none of our nets."""


def fetched(name: str) -> tuple[Path, StatedImages | None]:
    """The file, fetched where the cache lacks it. Raises `MissingError` without a network,
    `RunError` where its bytes are others than its name says."""
    url, stated = (
        (SERVER + name, None) if _HASHED.fullmatch(name) else _by_enum(name)
    )
    hashed = _HASHED.fullmatch(url.rpartition("/")[2])
    path = (
        Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    )
    if not path.is_file():
        _download(url, path, hashed[1] if hashed else None)
    if hashed and not _digest(path).startswith(hashed[1]):
        raise RunError(
            f"{path} is damaged: its SHA-256 does not begin with {hashed[1]}, as its name says;"
            " delete it, to fetch it again"
        )
    return path, stated


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, path: Path, start: str | None) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            url, str(path), start, progress=False
        )
    except (URLError, TimeoutError, ConnectionError) as error:
        raise MissingError(
            f"{url} cannot be fetched ({getattr(error, 'reason', error)}); where there is a"
            f" network, fetch it and put it at {path}"
        ) from None
    except RuntimeError as error:  # another hash
        raise RunError(
            f"{url} is not what its name says: {error}"
        ) from None


def _by_enum(name: str) -> tuple[str, StatedImages | None]:
    """The URL of one of torchvision's weights, and what its transforms do."""
    try:
        models = import_module("torchvision.models")
    except ModuleNotFoundError:
        raise MissingError(
            f"torchvision:{name} needs torchvision; without it, write the name of the file, as"
            " in torchvision:resnet50-11ad3fa6.pth"
        ) from None
    try:
        weights: Any = models.get_weight(name)
    except (ValueError, KeyError, AttributeError):
        raise UsageError(
            f"torchvision has no weights `{name}`; write one as"
            " torchvision:ResNet50_Weights.IMAGENET1K_V2"
        ) from None
    how = weights.transforms()
    halves = ([0.5] * 3, [0.5] * 3)
    norm = halves if name.startswith(_TURNED) else (how.mean, how.std)
    classes = weights.meta.get("categories", ())
    return weights.url, _statement(how, norm, classes)


def _statement(
    how: Any,
    norm: tuple[Sequence[float], Sequence[float]],
    classes: Sequence[str],
) -> StatedImages:
    """What a preset of torchvision's transforms does, with this mean and deviation."""
    way = how.interpolation.value
    sizes = (
        getattr(how, key, None) for key in ("resize_size", "crop_size")
    )
    shorter, middle = (size[0] if size else 0 for size in sizes)
    said = f"shorter side {shorter or 'any'}, the middle {middle or 'any'}, {way}"
    # a hair less, for rounding down to lead to the same side
    part = middle / (shorter + 1e-6) if shorter and middle else None
    return StatedImages.of(*norm, said, classes).seen(part, way)
