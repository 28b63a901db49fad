"""A plan, options and the processes → what is known before the first step: data, decisions, how
many steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import MissingError, SpecError, UsageError
from ..language.recipe import Train
from ..ops.base import Shape
from ..passes.data_fit import image_input, placed
from ..passes.recipe_fit import lonely_norms, problems
from ..plan import Plan
from . import data as datasets
from .augment.progressive import check_sizes
from .data.absent import placeholder
from .data.normalize import Normalization, measure, need_variance, standard
from .data.sampler import Sampler
from .data.sets import DataSet, Resident, UnfitError
from .options import Options
from .parallel.distributed import World
from .run.tensorboard import need_tensorboard
from .settings.decide import Decisions, Workload, decide
from .settings.memory import with_memory_plan
from .tasks import Task, task_of
from .tasks.weights import class_weights


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is known before the first step."""

    plan: Plan
    options: Options
    train: Train
    data: DataSet
    sampler: Sampler
    decisions: Decisions
    world: World
    steps: int
    task: Task
    missing: str = ""  # why blank images stand for those of the set
    uncounted: bool = False  # nor is it known how many the set has


def recipe_of(plan: Plan) -> Train:
    """The recipe of a plan; raises `UsageError` where it has none."""
    train = plan.spec.train
    if not isinstance(train, Train):
        raise UsageError(
            f"{plan.name} has no `train:`; write `train: digits`, or name a recipe with --set"
            " train=digits"
        )
    return train


def images_of(plan: Plan) -> Shape:
    """The shape of the input that images go to."""
    return plan.inputs[image_input(plan.inputs)]


def prepare(
    plan: Plan, options: Options, world: World, *, counted: bool = False
) -> Prepared:
    """Reads the data, checks it against the net, and decides.

    With `counted`, images that are made are not, and blank ones stand for those of a set that is
    not there."""
    train = recipe_of(plan)
    if options.tensorboard:
        need_tensorboard()
    for problem in problems(train, plan.inputs, plan.output):
        raise UsageError(str(problem))
    data, missing = _fitting(plan, train, options, counted=counted)
    check_sizes(plan, train)
    _check_norms(plan, train, world)
    sampler = Sampler(
        len(data.train),
        train.batch,
        train.seed,
        world.rank,
        world.size,
        train.accumulate,
    )
    per_unit = sampler.steps_per_epoch if train.unit == "epochs" else 1
    steps = max(1, round(train.length * per_unit))
    uncounted = bool(missing) and not isinstance(data.train, Resident)
    known = None if uncounted and train.unit == "epochs" else steps
    decisions = decide(options, world, _workload(plan, train, world, known))
    decisions = with_memory_plan(
        decisions, plan, train, options, world.size, resident_bytes(data)
    )
    task = _task(train, plan, data)
    return Prepared(
        plan, options, train, data, sampler, decisions, world, steps, task, missing, uncounted,
    )  # fmt: skip


def _task(train: Train, plan: Plan, data: DataSet) -> Task:
    """What is learned, by the weights that the training images give its classes."""
    classes = plan.output[0]
    weights = class_weights(train.target, data.train.labels, classes)
    return task_of(train.target, classes, train.label_smoothing, weights)


def _check_norms(plan: Plan, train: Train, world: World) -> None:
    """Raises `SpecError` at a batch norm that would see one value per channel."""
    if graph := getattr(plan, "graph", None):
        lonely = lonely_norms([graph], train, world.size)
        if lonely:
            raise SpecError(lonely)


def _workload(plan: Plan, train: Train, world: World, steps: int | None) -> Workload:
    return Workload(
        macs=plan.macs * (train.batch / world.size / train.accumulate),
        images=len(images_of(plan)) == 3,
        steps=steps,
        sync_bn=train.sync_bn,
        fusible=train.optimizer.fused,
    )


def _fitting(
    plan: Plan, train: Train, options: Options, *, counted: bool
) -> tuple[DataSet, str]:
    """The data, or where it is only `counted` a stand-in and what is missing.

    Where the net is not one for it, that is a mistake at a place of the spec.
    """
    try:
        try:
            path = data_path(plan, options)
            return datasets.load(
                train.data,
                images_of(plan),
                plan.output,
                path,
                target=train.target,
                inputs=plan.inputs,
                counted=counted,
            ), ""
        except MissingError as lacking:
            if not counted:
                raise
            data = placeholder(train, plan.inputs, plan.output)
            data.fit(images_of(plan), plan.output)
            return data, str(lacking)
    except UnfitError as error:
        graph = getattr(plan, "graph", None)
        if graph is None:
            raise
        raise SpecError(placed(plan.spec, graph, error.images, error.classes)) from None


def data_path(plan: Plan, options: Options) -> Path | None:
    """Where the images are: as the options say it, else as the recipe does; None for a set that is
    read from nowhere.

    A relative path of a spec is one from the spec's own directory or, where nothing is there, from
    the current one."""
    if options.data is not None:
        return options.data.expanduser()
    written = getattr(recipe_of(plan).data, "path", None)
    if written is None:
        return None
    path = Path(written).expanduser()
    place = getattr(plan.spec, "place", None)
    source = place("train", "data", "path").source if place else None
    if path.is_absolute() or source is None or source.ours:
        return path
    beside = Path(source.name).parent / path
    return beside if beside.exists() else path


def resident_bytes(data: DataSet) -> int:
    """The bytes of training images that stay on the device."""
    return data.train.images.nbytes if isinstance(data.train, Resident) else 0


def normalization_of(ready: Prepared) -> Normalization:
    """Mean and standard deviation of the training images, of a sample where they are on disk."""
    images = ready.data.train
    if not isinstance(images, Resident):
        from .data.image_files import sample

        images = sample(ready.data, ready.train.seed)
    if ready.train.normalize != "scale" and len(ready.data.shape) == 3:
        need_variance(images.images)
    return replace(
        measure(images, ready.data.levels, ready.train.normalize),
        beside=tuple(map(standard, ready.data.train.beside)),
    )
