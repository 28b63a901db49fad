"""`OWNER/NAME` or `OWNER/NAME@REVISION` on the Hugging Face hub → its file of weights, and what its
config says of the images.

Cache, offline mode (`HF_HUB_OFFLINE`) and tokens are huggingface_hub's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ...collecting import first_found
from ...errors import MissingError, RunError, UsageError, needing
from ...files import read_file
from .statement import StatedImages

FILES = ("model.safetensors", "pytorch_model.bin")
"""What timm and transformers call their weights there, the one that cannot hold code first."""


def fetched(name: str) -> tuple[Path, StatedImages | None]:
    """The file in the hub's cache. Raises `MissingError` without huggingface_hub, or where the hub
    cannot be reached and the cache lacks it; `UsageError` where the hub has no such model."""
    with needing(f"hf-hub:{name} needs huggingface_hub", "hub"):
        download = import_module("huggingface_hub").hf_hub_download
        hub: Any = import_module("huggingface_hub.errors")
    repository, _, revision = name.partition("@")

    def file(of: str) -> Path | None:
        try:
            return Path(download(repository, of, revision=revision or None))
        except hub.LocalEntryNotFoundError as error:
            lacking.append(str(error).split(".")[0])
        except hub.EntryNotFoundError:
            pass
        except (
            hub.RepositoryNotFoundError,
            hub.HFValidationError,
        ) as error:
            raise UsageError(
                f"hf-hub:{name} is no model that can be had there"
                f" ({_first_line(error)}); one that asks for a token needs `hf auth login`"
            ) from None
        except (hub.HfHubHTTPError, OSError) as error:
            lacking.append(_first_line(error))
        return None

    lacking: list[str] = []
    path = first_found(map(file, FILES))
    if path is not None:
        config = file("config.json")
        return path, statement(config) if config else None
    if lacking:
        raise MissingError(
            f"hf-hub:{name} is not in the cache, and the hub cannot be reached ({lacking[0]});"
            f" fetch it where there is a network: `hf download {repository} {FILES[0]}"
            " config.json`"
        )
    raise RunError(f"hf-hub:{name} has none of {', '.join(FILES)}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def statement(config: Path) -> StatedImages | None:
    """What timm's config.json says; None where it says no mean and deviation."""
    try:
        document = json.loads(read_file(config))
        card = document.get("pretrained_cfg", document)
        classes = (
            card.get("label_names") or document.get("label_names") or ()
        )
        centred = card.get("crop_mode", "center") == "center"
        stated = StatedImages.of(
            card["mean"], card["std"], _said(card), tuple(map(str, classes))
        )
        middle = card.get("crop_pct") if centred else None
        return stated.seen(middle, card.get("interpolation"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _said(card: Mapping[str, Any]) -> str:
    """Size, crop and interpolation."""
    size = card.get("input_size")
    mode = card.get("crop_mode", "center")
    parts = [
        f"{'x'.join(map(str, size))}" if isinstance(size, list) else "",
        f"the middle {card['crop_pct']:g} of each"
        if "crop_pct" in card
        else "",
        ""
        if mode == "center"
        else f"crop mode {mode}, which is not followed",
        str(card.get("interpolation", "")),
    ]
    return ", ".join(filter(None, parts))
