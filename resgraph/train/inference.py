"""A finished run and images → its classes with their probabilities; or the run's own validation part → its
score again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from safetensors import SafetensorError
from safetensors.torch import load as safetensors
from torch import Tensor, nn

from ..errors import RunError, TrainingError
from .assemble import make_feed
from .continuation import as_before, own_plan
from .data.sets import DataSet
from .decide import decide
from .distributed import World
from .normalize import Normalization
from .options import Options
from .plans import Loader
from .rundir import read_facts
from .score import Score, score
from .session import prepare


@dataclass(frozen=True, slots=True)
class Prediction:
    """The likeliest classes of one image, each with its probability, the likeliest first."""

    path: Path
    classes: tuple[tuple[str, float], ...]


def predict_images(run: Path, images: Sequence[Path], load: Loader, options: Options, top: int = 5) -> list[Prediction]:
    """Raises `RunError` where the run has no weights, `TrainingError` where an image cannot be read."""
    plan = own_plan(run, load)
    decisions = decide(options, World(), plan.macs, len(plan.input) == 3, 1)
    net = trained(run, plan.module()).to(decisions.device).eval()
    document = preprocessing(run)
    normalization = Normalization.read(document["normalize"]).to(decisions.device)
    names, out = document["classes"], []
    for path in images:
        pixels = read_image(path, document)[None].to(decisions.device)
        with torch.inference_mode():
            chance = net(normalization(pixels)).float().softmax(1)[0]
        best = chance.topk(min(top, len(names)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        out.append(Prediction(path, tuple((names[place], value) for place, value in pairs)))
    return out


def evaluate_run(run: Path, load: Loader, options: Options) -> tuple[Score, DataSet]:
    """The exported weights on the validation part of the run's own data."""
    options = as_before(options, read_facts(run))
    ready = prepare(own_plan(run, load), options, World())
    torch.set_num_threads(ready.decisions.threads)
    normalization = Normalization.read(preprocessing(run)["normalize"])
    feed = make_feed(ready.train, ready.data, ready.sampler, normalization, ready.decisions)
    net = trained(run, ready.plan.module()).to(ready.decisions.device)
    if ready.decisions.channels_last:
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return score(net, feed.validation(World()), ready.decisions, World()), ready.data


def trained(run: Path, net: nn.Module) -> nn.Module:
    """The net with the run's exported weights."""
    path = run / "weights.safetensors"
    try:
        net.load_state_dict(safetensors(path.read_bytes()))
    except FileNotFoundError as error:
        raise RunError(f"{run} has no weights yet; `resgraph resume {run}` finishes it") from error
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RunError(f"{path} cannot be used: {error}") from error
    return net


def preprocessing(run: Path) -> dict[str, Any]:
    """preprocess.json of a run."""
    path = run / "preprocess.json"
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    return dict(document)


def read_image(path: Path, document: dict[str, Any]) -> Tensor:
    """An image file as the net saw its training images: (channels, height, width) of pixels, not normalized
    yet.
    """
    channels, height, width = document["shape"]
    try:
        with Image.open(path) as opened:
            image = opened.convert("L" if channels == 1 else "RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise TrainingError(f"{path} cannot be read as an image: {error}") from error
    resize = document.get("resize")
    if isinstance(resize, int):
        from .decode import centre

        return centre(image, resize, (height, width))
    from .decode import to_tensor

    pixels = to_tensor(image.resize((width, height), Image.Resampling.BILINEAR))
    return pixels.to(torch.float32) * (float(document["levels"]) / 255)
