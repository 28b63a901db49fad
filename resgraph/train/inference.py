"""A finished run and images → its classes with their probabilities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as safetensors
from torch import Tensor, nn

from ..collecting import flatten, without_keys
from ..counting import counted
from ..errors import RunError, UsageError
from ..files import read_file, reason
from ..language.recipe.start import StartingWeights
from ..language.recipe.target import LABEL, Regression
from ..ops.base import Shape, shape_text
from ..passes.data_fit import image_input
from ..plan import Loader, Plan
from ..structs import Frozen
from .augment.mix import in_order
from .data.normalize import Normalization
from .data.sets import side_before_crop
from .engine.assemble import in_layout, placed
from .engine.several import first
from .given import (
    GivenFile,
    array_rows,
    given,
    images_at,
    is_array,
    side_of,
)
from .options import Options
from .parallel.distributed import World
from .predicted import PICTURED, READERS, Announce, Prediction, Reading
from .prepare import images_of, need_statement
from .resuming import own_plan
from .run.directory import read_facts
from .runtimes import Inference
from .settings.backends import configure_backends
from .settings.decide import Workload, decide
from .start.sources import run_of
from .start.statement import StatedImages
from .start.transfer import Transfer, loaded
from .tasks import Units

BATCH, BATCH_NUMBERS = 512, 16 * 3 * 224 * 224
"""Rows that are asked at a time, and of larger ones the numbers in them."""


class Asked(Frozen):
    """What is asked of a net: files of images, folders of them and arrays; the numbers of its
    further inputs by name, the same for each image or a file of an array with a row for each; and
    how many of the likeliest classes."""

    images: Sequence[Path]
    top: int
    beside: Mapping[str, Sequence[float] | Path]
    announce: Announce | None = None

    def check(self) -> None:
        """Raises `UsageError` where a file is not there, before anything is loaded."""
        for path in self.images:
            if not is_array(path):
                images_at(path)

    def pictures(self, files: Sequence[GivenFile]) -> None:
        """Announces that one will be made of each row."""
        if self.announce:
            for one in files:
                for row in one.places:
                    self.announce(one.path, row)


def predict_images(
    run: Path,
    asked: Asked,
    load: Loader,
    options: Options,
) -> list[Prediction]:
    """Raises `RunError` where the run has no weights, `UsageError` where an image is not there or a
    file is none."""
    asked.check()
    plan = own_plan(run, load)
    document = preprocessing(run)
    names, kind = document["classes"], document.get("target", "label")
    if kind == "label" and (len(names),) != plan.output:
        raise _damaged(
            run,
            run / "preprocess.json",
            f"it names {counted(len(names), 'class')}, and the net has {plan.output[0]}",
        )
    seer = Seer(str(run), plan, trained(run, plan.module()), document)
    return _predictions(seer, asked, options)


class Seer(Frozen):
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
    asked.check()
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
    stated = need_statement(plan, taken)
    count = plan.output[0]
    train = plan.spec.train
    numbered = [f"class {number}" for number in range(count)]
    return {
        "shape": list(images_of(plan)),
        "levels": 255,
        "resize": _resizing(plan, taken.file.stated or stated),
        "classes": list(stated.classes)
        if len(stated.classes) == count
        else numbered,
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


def _predictions(
    seer: Seer, asked: Asked, options: Options
) -> list[Prediction]:
    plan, document = seer.plan, seer.document
    data = getattr(plan.spec.train, "data", None)
    files = given(
        [*asked.images], document, getattr(data, "images", "images")
    )
    count = sum(map(len, files))
    if document.get("target") in PICTURED:
        asked.pictures(files)
    decisions = decide(
        options, World(), Workload(plan.macs, len(images_of(plan)) == 3)
    )
    configure_backends(decisions)
    inference = Inference(count, options.engine)
    net = inference.run_by(
        plan, placed(seer.net, decisions).eval(), decisions
    )
    normalization = Normalization.read(document["normalize"]).to(
        decisions.device
    )
    others = _others(plan, asked.beside, normalization, count)
    lead = [*plan.inputs].index(image_input(plan.inputs))
    read = Reading(document, normalization, asked.top)
    rows = flatten(one.read(document) for one in files)
    out: list[Prediction] = []
    size = max(1, min(BATCH, BATCH_NUMBERS // prod(document["shape"])))
    while part := [*islice(rows, size)]:
        pixels = torch.stack([row.pixels for row in part])
        own = in_layout(
            normalization(pixels.to(decisions.device)), decisions
        )
        own = own.flatten(1) if document.get("flat") else own
        at = slice(len(out), len(out) + len(part))
        beside = [one.expand(count, *one.shape[1:])[at] for one in others]
        with torch.inference_mode():
            said = first(net(*in_order(own, beside, lead)))
        out += map(read, part, said)
    return out


def _others(
    plan: Plan,
    given: Mapping[str, Sequence[float] | Path],
    normalization: Normalization,
    count: int,
) -> list[Tensor]:
    """The further inputs of the net, as it read them in training, (1 or count, …) each. Raises
    `UsageError` where one lacks, has another number of numbers, or nothing says how it is
    scaled."""
    shapes = without_keys(plan.inputs, (image_input(plan.inputs),))
    for name in (*shapes, *given):
        _check_numbers(name, given.get(name, ()), shapes)
    if len(shapes) != len(normalization.beside):
        raise UsageError(
            f"nothing says how {', '.join(shapes)} was scaled in training; predict by the run"
        )
    device = normalization.scale.device
    rows = {
        name: _rows(name, given[name], shape, count)
        for name, shape in shapes.items()
    }
    return [
        way(rows[name].to(device))
        for name, way in zip(shapes, normalization.beside, strict=True)
    ]


def _check_numbers(
    name: str, values: Sequence[float] | Path, shapes: Mapping[str, Shape]
) -> None:
    """Raises `UsageError` where a net has no such input, or not for so many numbers."""
    if name not in shapes:
        listed = ", ".join(shapes) or "none"
        raise UsageError(
            f"--input {name}: the net has no such input; it has {listed}"
        )
    if not isinstance(values, Path) and shapes[name] != (len(values),):
        raise UsageError(
            f"the net reads {shape_text(shapes[name])} as `{name}`, and {len(values)} are given:"
            f" write --input {name}=…, with commas between the numbers, or the file of an array"
            " with a row for each"
        )


def _rows(
    name: str, values: Sequence[float] | Path, shape: Shape, count: int
) -> Tensor:
    """What is given for a further input, (1 or count, *shape)."""
    if not isinstance(values, Path):
        return torch.tensor([values])
    found = array_rows(values, shape, 1.0, name, raw=True)
    if len(found) != count:
        raise UsageError(
            f"--input {name}: {values} has {counted(len(found), 'row')} for"
            f" {counted(count, 'image')}"
        )
    return found


def trained(run: Path, net: nn.Module) -> nn.Module:
    """The net with the run's exported weights."""
    path = run / "weights.safetensors"
    try:
        data = read_file(path)
        # older runs have none
        known = read_facts(run).get("weights_sha256")
        if known is not None and hashlib.sha256(data).hexdigest() != known:
            raise _damaged(
                run, path, "its bytes are not those that were written"
            )
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
        size = [*map(int, document["shape"])]
        document["classes"] = [*map(str, document["classes"])]
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
