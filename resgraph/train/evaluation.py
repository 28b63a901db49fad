"""A finished run → the score of its exported weights on its validation images, as validated or as
papers test."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from ..errors import (
    ResgraphError,
    TrainingError,
    UsageError,
    first_few,
)
from ..language.recipe.data import Data
from ..language.recipe.start import StartingWeights
from ..language.recipe.target import SingleLabel
from ..plan import Loader, Plan
from ..structs import Frozen
from . import data as datasets
from .atomic_write import write_whole
from .augment.crops import CropPolicy
from .data.image_files import Decoded
from .data.loader import BatchLoader
from .data.normalize import Normalization
from .data.sampler import Sampler
from .data.sets import NAMED, DataSet, UnfitError
from .engine.assemble import make_data_loader, placed
from .engine.evaluate import Score, Sums, score
from .engine.multi_crop import MultiCrop, crop_policy_for
from .engine.verdicts import Witness
from .engine.views import viewed
from .failures import explained
from .given import filter_of, side_of
from .inference import preprocessing, trained, units_of
from .options import Options
from .parallel.distributed import World, process_group
from .prepare import data_path, images_of, need_statement, recipe_of
from .report.page import Judgement
from .resuming import check_classes, options_of, own_plan
from .run.directory import read_facts
from .runtimes import Inference
from .settings.backends import configure_backends
from .settings.decide import Decisions, Workload, decide
from .start.sources import run_of
from .start.transfer import loaded
from .tasks import Units, task_of


class Testing(Frozen):
    """`crops` and `sides` of multi-crop testing, and the `split` in place of the run's own: a
    folder, or a pattern of shards. `report` is where the report is to be written."""

    crops: int = 1
    sides: tuple[int, ...] = ()
    split: str = ""
    report: Path | None = None


class Judged(Frozen):
    """A net with its weights, how it reads images of so many levels, the names of its classes where
    they are known, what it is called, the units of its numbers, and how images on disk are
    cropped."""

    plan: Plan
    net: nn.Module
    normalization: Callable[[int], Normalization]
    classes: list[str] | None
    named: str
    units: Units | None
    cropped: Callable[[DataSet, Data], DataSet]


def evaluate_weights(
    plan: Plan, weights: StartingWeights, options: Options, how: Testing
) -> Score:
    """Weights from elsewhere, by the data of the plan's recipe. Raises `UsageError` where neither
    says how images are normalized, and as `evaluate_run`."""
    with process_group(os.environ, options.device) as world:
        net, taken = loaded(plan, weights)
        stated = need_statement(plan, taken)
        run = run_of(Path(weights.file))
        classes = list(stated.classes) if run else None
        units = units_of(
            plan, preprocessing(run) if run else None, weights.file
        )
        known = taken.file.stated
        cropped = known.cropped if known else lambda data, _: data
        judged = Judged(
            plan,
            net,
            stated.normalization,
            classes,
            weights.file,
            units,
            cropped,
        )
        return _judge(judged, options, how, world)


def evaluate_run(
    run: Path, load: Loader, options: Options, how: Testing
) -> Score:
    """On the validation part of the run's own data, or of a copy at `options.data`; each rank takes
    its part.

    Raises `RunError` where the run has no weights, `UsageError` where its images or its net are not
    for such a test."""
    options = options_of(options, read_facts(run))
    with process_group(os.environ, options.device) as world:
        plan = own_plan(run, load)
        net, known = trained(run, plan.module()), preprocessing(run)
        normalization = Normalization.read(known["normalize"])
        units = units_of(plan, known, str(run))
        judged = Judged(
            plan, net, lambda _: normalization, known["classes"], str(run), units,
            lambda data, _: _as_trained(data, known),
        )  # fmt: skip
        return _judge(judged, options, how, world)


class _Test(Frozen):
    """What is judged and how, by which decisions, and who sees it for the report."""

    judged: Judged
    how: Testing
    decisions: Decisions
    world: World
    witness: Witness | None

    def score(
        self, net: nn.Module, loader: BatchLoader, policy: CropPolicy | None
    ) -> Score:
        plan = self.judged.plan
        decisions = self.decisions
        world = self.world
        train, look = recipe_of(plan), self.witness
        if policy and isinstance(loader.pixels, Decoded):
            ways = loader.normalization
            shape = plan.input
            classes = plan.output[0]
            many = MultiCrop(
                net, ways, shape, classes, train.batch, decisions, look
            )
            return many.score(
                loader.pixels, policy, loader.validation_images, world
            )
        with explained(net, lambda: "the evaluation"):
            task = task_of(
                train.target, plan.output[0], units=self.judged.units
            )
            sums = Sums(decisions, task, look)
            return score(
                viewed(net, train), loader.validation(world), sums, world
            )

    def report(self, data: DataSet, found: Score) -> None:
        """Writes the report, where one is asked for."""
        if self.witness and self.how.report:
            verdicts = self.witness.verdicts(
                len(data.validation), self.world
            )
            named = f"weights of {self.judged.named}"
            told = Judgement(
                self.judged.plan.name, data, verdicts, found, named
            )
            if self.world.first:
                write_whole(self.how.report, told.page())


def _judge(
    judged: Judged, options: Options, how: Testing, world: World
) -> Score:
    plan, witness = judged.plan, _witness(judged.plan, how)
    train = recipe_of(plan)
    work = Workload(
        plan.macs * train.batch / world.size, len(images_of(plan)) == 3
    )
    decisions = decide(options, world, work)
    configure_backends(decisions)
    test = _Test(judged, how, decisions, world, witness)
    try:
        net = placed(judged.net, decisions).eval()
        data = _data(plan, options, how.split, judged.classes)
        data = judged.cropped(data, train.data)
        normalization = judged.normalization(data.levels)
        # no training image is loaded
        sampler = Sampler(train.batch, train.batch, train.seed)
        loader = make_data_loader(
            train, data, sampler, normalization, decisions
        )
        policy = crop_policy_for(data, how.crops, how.sides)
        asked = Inference(
            len(data.validation), options.engine, not how.sides
        )
        net = asked.run_by(plan, net, decisions)
        found = test.score(net, loader, policy)
        test.report(data, found)
        failures = world.collect(loader.pixels.decode_failures())
        notes, measure = (*data.notes, *failures), train.target.measure
        return replace(found, notes=notes, measure=measure)
    except torch.OutOfMemoryError as error:
        where = decisions.device
        raise TrainingError(
            f"out of memory on {where}; free some, or take another with --device"
        ) from error


def _as_trained(data: DataSet, known: Mapping[str, Any]) -> DataSet:
    """With images on disk cropped as a run's preprocess.json has it."""
    side = side_of(known)
    return (
        replace(data, resize=side, way=filter_of(known)) if side else data
    )


def _witness(plan: Plan, how: Testing) -> Witness | None:
    """Who sees what a report tells. Raises `UsageError` where there is nothing to tell."""
    if how.report is None:
        return None
    target = recipe_of(plan).target
    if not isinstance(target, SingleLabel):
        raise UsageError(
            f"--report is of the classes of images, and not for `target: {target.kind}`; its"
            " measures are all in what eval prints"
        )
    if how.report.is_dir() or not how.report.absolute().parent.is_dir():
        raise UsageError(
            f"--report {how.report}: name a file in a folder that is there, as in report.html"
        )
    return Witness()


def _data(
    plan: Plan, options: Options, split: str, trained_on: list[str] | None
) -> DataSet:
    train = recipe_of(plan)
    recipe = train.data
    try:
        data = datasets.load(
            _part(recipe, split),
            images_of(plan),
            plan.output,
            data_path(plan, options),
            target=train.target,
            inputs=plan.inputs,
            scored=True,
        )
    except UnfitError as error:
        raise _unlike(error, trained_on) from None
    known = [trained_on, data.classes]
    named = recipe.by_name or all(map(_have_names, known))
    if trained_on and named and isinstance(train.target, SingleLabel):
        check_classes(data, trained_on)
    return data


def _unlike(
    error: UnfitError, trained_on: list[str] | None
) -> ResgraphError:
    """Of a run it is not the net that is to be changed."""
    if error.images[0] or not trained_on:
        return error
    return UsageError(
        f"{error.classes[0]}: a run is scored on the classes that it was trained on,"
        f" {first_few(trained_on, 5)}; beside a list, {NAMED} may name those that it lacks"
    )


def _have_names(classes: Sequence[str] | None) -> bool:
    """Whether classes have names, and not their numbers alone."""
    found = [*(classes or ())]
    return found != [*map(str, range(len(found)))]


def _part(data: Data, split: str) -> Data:
    """The set with another part in place of the one that was validated on."""
    if not split:
        return data
    if not data.parted:
        raise UsageError(
            f"--split {split}: `{data.set}` has no parts but the one that it was validated on"
        )
    whole = {"split": 0.0} if hasattr(data, "split") else {}
    return replace(data, validation=split, **whole)
