"""A finished run and images → its classes with their probabilities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load as safetensors
from torch import Tensor, nn

from ..errors import RunError, TrainingError, UsageError
from ..files import read_file, reason
from ..language.diagnose.nearest import did_you_mean
from ..language.recipe.base import FILTERS, Filter
from ..language.recipe.start import StartingWeights
from ..language.recipe.target import LABEL, Regression
from ..ops.base import shape_text
from ..passes.data_fit import image_input
from ..plan import Loader, Plan
from .augment.crops import center_crop, to_tensor
from .augment.mix import in_order
from .data.formats.decoder import COMMON, ENDINGS, TURNED, UNREADABLE, open_image
from .data.normalize import Normalization
from .data.sets import side_before_crop
from .engine.several import first
from .options import Options
from .parallel.distributed import World
from .predicted import READERS, Prediction, Reading
from .prepare import images_of, need_statement
from .resuming import own_plan
from .run.directory import read_facts
from .settings.decide import Workload, decide
from .start.sources import run_of
from .start.statement import StatedImages
from .start.transfer import Transfer, loaded
from .tasks import Units


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a net: image files, each with the numbers of its further inputs by name, and
    how many of the likeliest classes."""

    images: Sequence[Path]
    top: int
    beside: Mapping[str, Sequence[float]]

    def found(self) -> Asked:
        """With the images of a folder in its place. Raises `UsageError` where one is not there."""
        images = [image for path in self.images for image in _images(path)]
        return replace(self, images=images)


def predict_images(
    run: Path,
    asked: Asked,
    load: Loader,
    options: Options,
) -> list[Prediction]:
    """Raises `RunError` where the run has no weights, `UsageError` where an image is not there or a
    file is none, `TrainingError` where one cannot be read."""
    asked = asked.found()
    plan = own_plan(run, load)
    document = preprocessing(run)
    names, kind = document["classes"], document.get("target", "label")
    if kind == "label" and (len(names),) != plan.output:
        raise _damaged(
            run,
            run / "preprocess.json",
            f"it names {len(names)} classes, and the net has {plan.output[0]}",
        )
    seer = Seer(str(run), plan, trained(run, plan.module()), document)
    return _predictions(seer, asked, options)


@dataclass(frozen=True, slots=True)
class Seer:
    """A net with its weights, what it is called, and how it reads an image (as preprocess.json has
    it)."""

    named: str
    plan: Plan
    net: nn.Module
    document: dict[str, Any]


def predict_weights(
    plan: Plan,
    weights: StartingWeights,
    asked: Asked,
    options: Options,
) -> list[Prediction]:
    """By weights from elsewhere. Images are read as the run that the weights are of reads them,
    else as the weights or the recipe say it. Raises `UsageError` where neither does."""
    asked = asked.found()
    net, taken = loaded(plan, weights)
    run = run_of(Path(weights.file))
    known = preprocessing(run) if run else None
    units_of(plan, known, weights.file)  # raises where nothing says them
    document = known or _reading(plan, taken)
    seer = Seer(weights.file, plan, net, document)
    return _predictions(seer, asked, options)


def _reading(plan: Plan, taken: Transfer) -> dict[str, Any]:
    """How images are read: the middle of each in the net's size, and classes by number where the
    weights do not name them."""
    stated, count, train = need_statement(plan, taken), plan.output[0], plan.spec.train
    numbered = [f"class {number}" for number in range(count)]
    return {
        "shape": list(images_of(plan)),
        "levels": 255,
        "resize": _resizing(plan, taken.file.stated or stated),
        "classes": list(stated.classes) if len(stated.classes) == count else numbered,
        "normalize": stated.normalization(255).document(),
        "target": getattr(train, "target", LABEL).kind,
    }


def _resizing(plan: Plan, stated: StatedImages) -> dict[str, Any]:
    """As the recipe says it, else as the weights do."""
    data, shape = getattr(plan.spec.train, "data", None), images_of(plan)
    side = getattr(data, "resize", None) or stated.side(shape)
    way = getattr(data, "interpolation", None) or stated.way
    return {
        "shorter_side": side or side_before_crop(None, shape),
        "filter": way or "bilinear",
    }


def units_of(
    plan: Plan, document: Mapping[str, Any] | None, named: str
) -> Units | None:
    """In which units a net puts out numbers, as the preprocess.json of its run says it; None of
    numbers as they are. Raises `UsageError` where they are some, and there is no run to say it."""
    if document is not None:
        stated = document.get("numbers")
        return Units.read(stated) if stated else None
    target = getattr(plan.spec.train, "target", LABEL)
    if isinstance(target, Regression) and target.standardize:
        raise UsageError(
            f"{named} does not say how its numbers were standardized: name the run that it is of;"
            " or, where the net puts them out as they are, say --set"
            " train.target.standardize=false"
        )
    return None


def _predictions(seer: Seer, asked: Asked, options: Options) -> list[Prediction]:
    plan, document = seer.plan, seer.document
    if len(document["shape"]) != 3:
        raise UsageError(
            f"{seer.named} is a net on vectors that never were images: there is no way from an"
            " image to them"
        )
    decisions = decide(options, World(), Workload(plan.macs, len(images_of(plan)) == 3))
    net = seer.net.to(decisions.device).eval()
    normalization = Normalization.read(document["normalize"]).to(decisions.device)
    others = _others(plan, asked.beside, normalization)
    lead = [*plan.inputs].index(image_input(plan.inputs))
    read, out = Reading(document, normalization, asked.top), []
    for path in asked.images:
        pixels = normalization(read_image(path, document)[None].to(decisions.device))
        own = pixels.flatten(1) if document.get("flat") else pixels
        with torch.inference_mode():
            out.append(read(path, first(net(*in_order(own, others, lead)))[0]))
    return out


def _others(
    plan: Plan, given: Mapping[str, Sequence[float]], normalization: Normalization
) -> list[Tensor]:
    """The further inputs of the net, as it read them in training. Raises `UsageError` where one
    lacks, has another number of numbers, or nothing says how it is scaled."""
    shapes = {
        name: shape
        for name, shape in plan.inputs.items()
        if name != image_input(plan.inputs)
    }
    for name in (*shapes, *given):
        values = given.get(name, ())
        if shapes.get(name) != (len(values),):
            wanted = shapes.get(name)
            raise UsageError(
                f"--input {name}: the net has no such input; it has {', '.join(shapes) or 'none'}"
                if wanted is None
                else f"the net reads {shape_text(wanted)} as `{name}`, and {len(values)} are given:"
                f" write --input {name}=…, with commas between the numbers"
            )
    if len(shapes) != len(normalization.beside):
        raise UsageError(
            f"nothing says how {', '.join(shapes)} was scaled in training; predict by the run"
        )
    device = normalization.scale.device
    return [
        way(torch.tensor([given[name]], device=device))
        for name, way in zip(shapes, normalization.beside, strict=True)
    ]


def trained(run: Path, net: nn.Module) -> nn.Module:
    """The net with the run's exported weights."""
    path = run / "weights.safetensors"
    try:
        data = read_file(path)
        known = read_facts(run).get("weights_sha256")  # older runs have none
        if known is not None and hashlib.sha256(data).hexdigest() != known:
            raise _damaged(run, path, "its bytes are not those that were written")
        net.load_state_dict(safetensors(data))
    except FileNotFoundError as error:
        raise RunError(
            f"{run} has no weights yet; `resgraph resume {run}` finishes it"
        ) from error
    except OSError as error:
        raise _damaged(run, path, reason(error)) from error
    except (SafetensorError, RuntimeError) as error:
        raise _damaged(run, path, error) from error
    return net


def preprocessing(run: Path) -> dict[str, Any]:
    """preprocess.json of a run. Raises `RunError` where it is not there, or not what a run
    writes."""
    path = run / "preprocess.json"
    try:
        document = json.loads(read_file(path))
    except OSError as error:
        raise RunError(
            f"{path} cannot be read ({reason(error)}); `resgraph resume {run}` writes it again"
        ) from error
    except ValueError as error:
        raise _damaged(run, path, f"it is no JSON ({error})") from error
    try:
        Normalization.read(document["normalize"])
        size = [int(side) for side in document["shape"]]
        document["classes"] = [str(name) for name in document["classes"]]
        known = len(size) > 0 and float(document["levels"]) > 0
        known = known and (side_of(document) or 1) > 0
        known = known and document.get("target", "label") in READERS
        if "numbers" in document:
            Units.read(document["numbers"])
    except (KeyError, TypeError, ValueError, RuntimeError):
        known = False
    if not known:
        raise _damaged(run, path, "it is not what a run writes")
    return dict(document)


def _damaged(run: Path, path: Path, why: object) -> RunError:
    return RunError(
        f"{path} is damaged: {why}; `resgraph resume {run}` writes it again"
    )


def _images(path: Path) -> list[Path]:
    """An image, or those of a folder, by name. Raises `UsageError` where a folder has none."""
    if not path.is_dir():
        _need(path)
        return [path]
    found = [
        entry
        for entry in sorted(path.iterdir())
        if entry.suffix.lower() in ENDINGS and not entry.name.startswith(".")
    ]
    if not found:
        raise UsageError(
            f"{path} is a folder without images; they end with {COMMON}, …"
        )
    return found


def _need(path: Path) -> None:
    """Raises `UsageError` where there is no file, with the nearest one that there is."""
    if path.is_file():
        return
    if not path.parent.is_dir():
        raise UsageError(f"{path} is not there: there is no folder {path.parent}")
    beside = {
        entry.name: entry
        for entry in path.parent.iterdir()
        if entry.suffix.lower() in ENDINGS
    }
    hint = (
        did_you_mean(path.name, beside)
        or f"{_counted(len(beside))} in {path.parent.resolve()}"
    )
    raise UsageError(f"{path} is not there; {hint}")


def _counted(images: int) -> str:
    return "1 image is" if images == 1 else f"{images or 'no'} images are"


def read_image(path: Path, document: dict[str, Any]) -> Tensor:
    """An image file as the net saw its training images: (channels, height, width) of pixels, not
    normalized yet."""
    channels, height, width = document["shape"]
    side = side_of(document)
    try:
        turned = document.get("decode", {}).get("orientation") == TURNED
        image = open_image(path, channels, side, exif=turned)
    except UNREADABLE as error:
        if path.suffix.lower() not in ENDINGS:
            raise UsageError(
                f"{path} cannot be read as an image: {error}; name files like {COMMON}"
            ) from error
        raise TrainingError(f"{path} cannot be read as an image: {error}") from error
    if side is not None:
        return center_crop(image, side, (height, width), filter_of(document))
    pixels = to_tensor(image.resize((width, height), Image.Resampling.BILINEAR))
    return pixels.to(torch.float32) * (float(document["levels"]) / 255)


def filter_of(document: Mapping[str, Any]) -> Filter:
    """By which images are resized before the crop; older runs do not say it, or know one alone."""
    resize = document.get("resize")
    told = resize.get("filter") if isinstance(resize, dict) else None
    return next((way for way in FILTERS if way == told), "bilinear")


def side_of(document: Mapping[str, Any]) -> int | None:
    """The shorter side before the centre crop; None where the whole image is stretched to the net's
    input."""
    resize = document.get("resize")
    # a number in older runs
    side = resize.get("shorter_side") if isinstance(resize, dict) else resize
    return int(side) if side is not None else None
