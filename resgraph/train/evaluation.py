"""A finished run → the score of its exported weights on its validation images, as validated or as
papers test."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import TrainingError, UsageError
from ..language.recipe.data import Data, OnDisk
from ..plan import Loader, Plan
from . import data as datasets
from .data.image_files import Decoded
from .data.normalize import Normalization
from .data.sampler import Sampler
from .engine.assemble import make_data_loader, placed
from .engine.evaluate import Score, score
from .engine.multi_crop import MultiCrop, crop_policy_for
from .failures import explained
from .inference import preprocessing, trained
from .options import Options
from .parallel.distributed import World, process_group
from .prepare import data_path, recipe_of
from .resuming import check_classes, options_of, own_plan
from .run.directory import read_facts
from .settings.backends import configure_backends
from .settings.decide import Decisions, Workload, decide


def evaluate_run(
    run: Path,
    load: Loader,
    options: Options,
    crops: int = 1,
    sides: tuple[int, ...] = (),
    split: str = "",
) -> Score:
    """On the validation part of the run's own data, or of a copy at `options.data`; each rank takes
    its part.

    `split` names another part of it: a folder, or a pattern of shards.

    `crops` and `sides` are those of `views`. Raises `RunError` where the run has no weights,
    `UsageError` where its images or its net are not for such a test."""
    options = options_of(options, read_facts(run))
    with process_group(os.environ, options.device) as world:
        plan = own_plan(run, load)
        macs = plan.macs * recipe_of(plan).batch / world.size
        decisions = decide(options, world, Workload(macs, len(plan.input) == 3))
        configure_backends(decisions)
        try:
            return _evaluated(run, plan, options, decisions, world, crops, sides, split)
        except torch.OutOfMemoryError as error:
            where = decisions.device
            raise TrainingError(
                f"out of memory on {where}; free some, or take another with --device"
            ) from error


def _evaluated(
    run: Path, plan: Plan, options: Options, decisions: Decisions, world: World, crops: int,
    sides: tuple[int, ...], split: str,
) -> Score:  # fmt: skip
    train = recipe_of(plan)
    net = placed(trained(run, plan.module()), decisions).eval()
    data = datasets.load(
        _part(train.data, split),
        plan.input,
        plan.output,
        data_path(plan, options),
        scored=True,
    )
    known = preprocessing(run)
    if train.data.by_name:
        check_classes(data, known["classes"])
    policy = crop_policy_for(data, crops, sides)
    normalization = Normalization.read(known["normalize"])
    # no training image is loaded
    sampler = Sampler(train.batch, train.batch, train.seed)
    data_loader = make_data_loader(train, data, sampler, normalization, decisions)
    if policy is None:
        with explained(net, lambda: "the evaluation"):
            found = score(net, data_loader.validation(world), decisions, world)
    else:
        if not isinstance(data_loader.pixels, Decoded):
            raise TypeError("multi-crop testing is for files")
        viewed = MultiCrop(
            net, data_loader.normalization, plan.input, train.batch, decisions
        )
        found = viewed.score(data_loader.pixels, policy, len(data.validation), world)
    return replace(
        found, notes=(*data.notes, *world.collect(data_loader.pixels.decode_failures()))
    )


def _part(data: Data, split: str) -> Data:
    """The set with another part in place of the one that was validated on."""
    if not split:
        return data
    if not isinstance(data, OnDisk):
        raise UsageError(
            f"--split {split}: `{data.set}` has no parts but the one that it was validated on"
        )
    return data.model_copy(update={"validation": split})
