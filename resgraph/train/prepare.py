"""A plan, options and the processes → what is known before the first step: data, decisions, how
many steps."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from ..errors import MissingError, SpecError, UsageError
from ..language.recipe import Train
from ..language.recipe.target import Regression
from ..ops import Conv, Shape
from ..passes.data_fit import image_input, placed
from ..passes.loss_fit import unfit_loss
from ..passes.recipe_fit import lonely_norms, problems, unfit_layers
from ..plan import Plan
from ..structs import Frozen
from . import data as datasets
from .augment.progressive import check_sizes
from .data.absent import placeholder
from .data.image_files import sample
from .data.normalize import Normalization, measure, need_variance, standard
from .data.sampler import Sampler
from .data.sets import DataSet, Files, Resident, UnfitError
from .options import Options
from .parallel.distributed import World
from .run.tensorboard import need_tensorboard
from .settings.decide import Decisions, Workload, decide
from .settings.memory import with_memory_plan
from .start.sources import beside
from .start.statement import StatedImages, chosen
from .start.transfer import Began, Transfer, start_of
from .tasks import Task, Units, task_of
from .tasks.weights import class_weights


class Prepared(Frozen):
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
    start: Transfer | None = None  # the weights to start from
    # how images are normalized, where that is not measured
    stated: StatedImages | None = None
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
    plan: Plan,
    options: Options,
    world: World,
    *,
    counted: bool = False,
    began: Began | None = None,
) -> Prepared:
    """Reads the data and the weights to start from, checks both against the net, and decides.

    With `counted`, images that are made are not, and blank ones stand for those of a set that is
    not there. `began` is what a run that is resumed began with."""
    train = recipe_of(plan)
    if options.tensorboard:
        need_tensorboard()
    for problem in problems(train, plan.inputs, plan.output):
        raise UsageError(str(problem))
    data, missing = _fitting(plan, train, options, counted=counted)
    if wrong := unfit_loss(plan.spec, plan.graph, train):
        raise SpecError(wrong)
    check_sizes(plan, train)
    _check_parts(plan, train, world)
    start, stated = start_of(plan, train, began)
    data = stated.cropped(data, train.data) if stated else data
    stated = chosen(train.normalize, stated, data.shape)
    sampler = _sampler(train, data, world)
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
        plan, options, train, data, sampler, decisions, world, steps, task,
        start, stated, missing, uncounted,
    )  # fmt: skip


def _sampler(train: Train, data: DataSet, world: World) -> Sampler:
    """The images of this rank, in the order of the seed."""
    return Sampler(
        len(data.train), train.batch, train.seed, world.rank, world.size, train.accumulate,
        train.augment.repeats, data.train.labels if train.sampling else None,
    )  # fmt: skip


def _task(train: Train, plan: Plan, data: DataSet) -> Task:
    """What is learned, by the weights that the training images give its classes."""
    classes = plan.output[0]
    known = data.train.labels
    if isinstance(data.train, Files) and data.train.masks:
        known = sample(data, train.seed).labels
    weights = class_weights(train.target, known, classes)
    goal = train.target
    scaled = isinstance(goal, Regression) and goal.standardize
    units = Units.of(known) if scaled and known.ndim > 1 else None
    return task_of(goal, classes, train.label_smoothing, weights, units)


def _check_parts(plan: Plan, train: Train, world: World) -> None:
    """Raises `SpecError` at a part that the recipe names and the net lacks, and at a batch norm
    that would see one value per channel."""
    found = unfit_layers(plan.spec, plan.graph, train)
    found += lonely_norms([plan.graph], train, world.size)
    if found:
        raise SpecError(found)


def _workload(
    plan: Plan, train: Train, world: World, steps: int | None
) -> Workload:
    return Workload(
        macs=plan.macs * (train.batch / world.size / train.accumulate),
        images=len(images_of(plan)) == 3,
        steps=steps,
        sync_bn=train.sync_bn,
        fusible=train.optimizer.fused,
        narrow=narrow_filters(plan),
    )


def narrow_filters(plan: Plan) -> bool:
    """Whether a 1x1 convolution with a stride reads channels which 8 does not divide."""
    nodes = plan.graph.nodes
    return any(
        isinstance(node.op, Conv)
        and max(node.op.stride) > max(node.op.kernel) == 1
        and nodes[node.inputs[0]].shape[0] % 8 > 0
        for node in nodes.values()
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
        raise SpecError(
            placed(plan.spec, plan.graph, error.images, error.classes)
        ) from None


def need_statement(plan: Plan, taken: Transfer) -> StatedImages:
    """How images are normalized for weights that are only to be used: nothing is measured for it.

    Raises `UsageError` where neither the weights nor the recipe say it."""
    how = (
        train.normalize
        if isinstance(train := plan.spec.train, Train)
        else None
    )
    stated = chosen(how, taken.file.stated, images_of(plan))
    if stated is None:
        raise UsageError(
            f"{taken.file.named} does not say how its images were normalized; say it with --set"
            ' train.normalize=imagenet, or "{mean: […], std: […]}"'
        )
    return stated


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
    return beside(plan, Path(written).expanduser(), "train", "data", "path")


def resident_bytes(data: DataSet) -> int:
    """The bytes of training images that stay on the device."""
    return (
        data.train.images.nbytes if isinstance(data.train, Resident) else 0
    )


def normalization_of(ready: Prepared) -> Normalization:
    """As it is stated, else mean and standard deviation of the training images, of a sample where
    they are on disk; and of what the net reads beside them."""
    beside = tuple(map(standard, ready.data.train.beside))
    return replace(_normalization_of_images(ready), beside=beside)


def _where(data: DataSet) -> str:
    """Where the training images are, with the first of them."""
    if isinstance(data.train, Resident):
        return data.about
    return f"{data.about}, as {data.train.name(0)}"


def _normalization_of_images(ready: Prepared) -> Normalization:
    if ready.stated:
        return ready.stated.normalization(ready.data.levels)
    images = sample(ready.data, ready.train.seed)
    how = ready.train.measured
    if how != "scale" and len(ready.data.shape) == 3:
        need_variance(images.images, _where(ready.data))
    return measure(images, ready.data.levels, how)
