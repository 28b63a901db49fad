"""A plan and options → a trained run; a run directory → the same run, gone on with."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save as safetensors

from ..errors import ResgraphError, RunError, TrainingError, UsageError
from ..language.recipe import Train
from . import data as datasets
from .assemble import check_crop, distribute, make_feed, make_learner
from .budget import with_budget
from .checkpoint import Checkpoints, State
from .curves import curves
from .data.sets import DataSet, Resident
from .decide import Decisions, decide
from .distributed import World, joined
from .loop import Learner, Loop
from .metrics import read_rows
from .normalize import Normalization, measure
from .options import Options
from .plans import PlanLike
from .reporter import Epoch, Reporter, Silent, Start
from .result import RunResult
from .rundir import PLACES, RunDirectory, create
from .sampler import Sampler
from .sharding import gathered
from .signals import StoppedError, listening
from .sizes import check_sizes
from .tensorboard import Board, need_tensorboard


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is known before the first step."""

    plan: PlanLike
    train: Train
    data: DataSet
    sampler: Sampler
    decisions: Decisions
    world: World
    steps: int


def recipe_of(plan: PlanLike) -> Train:
    """The recipe of a plan; raises `UsageError` where it has none."""
    train = plan.spec.train
    if not isinstance(train, Train):
        raise UsageError(
            f"{plan.name} has no `train:`; write `train: digits`, or name a recipe with --set train=digits"
        )
    return train


def prepare(plan: PlanLike, options: Options, world: World) -> Prepared:
    """Reads the data, checks it against the net, and decides."""
    train = recipe_of(plan)
    if options.tensorboard:
        need_tensorboard()
    data = datasets.load(train.data, plan.input, plan.output, options.data)
    check_crop(train, data)
    check_sizes(plan, train)
    sampler = Sampler(len(data.train), train.batch, train.seed, world.rank, world.size)
    per_unit = sampler.steps_per_epoch if train.unit == "epochs" else 1
    steps = max(1, round(train.length * per_unit))
    images = train.batch / world.size / train.accumulate
    decisions = decide(options, world, plan.macs * images, len(plan.input) == 3, steps)
    resident = data.train.images.numel() if isinstance(data.train, Resident) else 0
    decisions = with_budget(decisions, plan, train, options, world.size, resident)
    return Prepared(plan, train, data, sampler, decisions, world, steps)


def start(plan: PlanLike, out: Path | None, options: Options, reporter: Reporter) -> RunResult:
    """A fresh run in a directory of its own."""
    with joined(os.environ, options.device) as world:
        ready = prepare(plan, options, world)
        with create(plan.name, out, force=options.force) if world.first else nullcontext() as run:
            if run:
                describe(run, ready)
            return carry_on(ready, run, options, reporter if world.first else Silent())


def describe(run: RunDirectory, ready: Prepared) -> None:
    """Writes what is known before the first step: the spec, its pictures and source, and the facts of the
    run.
    """
    plan, data = ready.plan, ready.data
    run.write("spec.yaml", plan.resolved())
    run.write("model.py", plan.source())
    run.write("table.txt", plan.table().rstrip("\n") + "\n")
    run.write("diagram.svg", plan.svg())
    facts = {
        "name": plan.name,
        "status": "running",
        "spec": spec_hash(plan),
        "recipe": ready.train.document(),
        "data": {
            "name": data.name,
            "about": data.about,
            "train": len(data.train),
            "validation": len(data.validation),
        },
        "classes": list(data.classes),
        "watched": data.watched,
        "params": plan.params,
        "macs": plan.macs,
        "steps": ready.steps,
        "world": ready.world.size,
        "decisions": [list(reason) for reason in ready.decisions.reasons],
        "used": ready.decisions.used(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "command": sys.argv,
    }
    run.write("run.json", json.dumps(facts, indent=2) + "\n")


def spec_hash(plan: PlanLike) -> str:
    """SHA-256 of the resolved spec."""
    return hashlib.sha256(plan.resolved().encode()).hexdigest()


def carry_on(ready: Prepared, run: RunDirectory | None, options: Options, reporter: Reporter) -> RunResult:
    """From the newest checkpoint, or from step 0, to the end. `run` is None on all ranks but the first."""
    torch.set_num_threads(ready.decisions.threads)
    world, train = ready.world, ready.train
    learner = make_learner(ready.plan, train, ready.sampler, ready.decisions, world)
    normalization = normalization_of(ready)
    checkpoints = run_checkpoints(run, options.keep) if run else None
    state = world.share(checkpoints.load(reporter.say) if checkpoints else None)
    if state:
        learner.load(state, world)
    feed = make_feed(train, ready.data, ready.sampler, normalization, ready.decisions)
    distribute(learner, ready.plan.input, ready.decisions, world)
    board = None
    with listening() as request:
        loop = Loop(
            train=train,
            learner=learner,
            feed=feed,
            decisions=ready.decisions,
            world=world,
            reporter=reporter,
            save=_saver(learner, checkpoints, world),
            record=lambda epoch, speed: None,
            asked=lambda: request.number,
            save_every=options.save_every,
        )
        if run:
            run.metrics.cut(learner.step)
            loop.clock = run.metrics.seconds()
            run.write("preprocess.json", json.dumps(_preprocess(ready, normalization)) + "\n")
            run.update(status="running", world=world.size)
            board = Board(run.path) if options.tensorboard else None
            loop.record = _recorder(run, board)
        reporter.start(_opening(ready, run, learner))
        try:
            number = _run(loop, ready)
        except ResgraphError:
            if run:
                run.update(status="failed")
            raise
        finally:
            reporter.stop()
            if board:
                board.close()
            learner.model = learner.net  # DDP goes before the group that it holds on to
    where = world.share(str(run.path) if run else "")
    if number:
        if run:
            run.update(status="stopped")
        raise StoppedError(number, f"stopped after step {learner.step:,}, saved; go on with: resgraph resume {where}")
    return finish(ready, run, learner, Path(where))


def run_checkpoints(run: RunDirectory, keep: int = 2) -> Checkpoints:
    """The checkpoints of a run, with the specs that it had."""
    facts = run.facts()
    return Checkpoints(run.checkpoints, facts["spec"], keep, tuple(facts.get("former", ())))


def _run(loop: Loop, ready: Prepared) -> int:
    """The loop, with a lack of memory in a user's words."""
    try:
        with warnings.catch_warnings():
            # dynamo looks at the gradient of what flows from one graph into the next
            warnings.filterwarnings("ignore", "The .grad attribute of a Tensor", UserWarning)
            return loop.run()
    except (torch.OutOfMemoryError, RuntimeError) as error:
        text = str(error)
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text:
            raise TrainingError(
                f"out of memory on {ready.decisions.device} with {ready.train.batch} images a step; try "
                f"{'' if ready.decisions.recomputed else '--checkpointing on, '}"
                f"`accumulate: {2 * ready.train.accumulate}` (in smaller parts) or a smaller batch"
            ) from error
        raise


def _saver(learner: Learner, checkpoints: Checkpoints | None, world: World) -> Callable[[State], None]:
    def save(state: State) -> None:
        if checkpoints:
            checkpoints.save(state, learner.step, world.size)

    return save


def _recorder(run: RunDirectory, board: Board | None) -> Callable[[Epoch, float], None]:
    def record(epoch: Epoch, speed: float) -> None:
        run.metrics.append(epoch, speed)
        if board:
            board.follow()

    return record


def normalization_of(ready: Prepared) -> Normalization:
    """Mean and spread of the training images, of a sample where they are on disk."""
    if isinstance(ready.data.train, Resident):
        return measure(ready.data.train, ready.data.levels, ready.train.normalize)
    from .decode import sample

    return measure(sample(ready.data, ready.train.seed), ready.data.levels, ready.train.normalize)


def _preprocess(ready: Prepared, normalization: Normalization) -> dict[str, object]:
    """What a prediction must do to an image."""
    data = ready.data
    return {
        "shape": list(data.shape),
        "levels": data.levels,
        "resize": data.resize,
        "classes": list(data.classes),
        "normalize": normalization.document(),
    }


def _opening(ready: Prepared, run: RunDirectory | None, learner: Learner) -> Start:
    return Start(
        name=ready.plan.name,
        directory=run.path if run else Path(),
        params=ready.plan.params,
        epochs=round(ready.steps / ready.sampler.steps_per_epoch, 3),
        steps=ready.steps,
        steps_per_epoch=ready.sampler.steps_per_epoch,
        images=len(ready.data.train),
        first_step=learner.step,
        decisions=ready.decisions.reasons,
    )


def finish(ready: Prepared, run: RunDirectory | None, learner: Learner, where: Path) -> RunResult:
    """Exports the weights, draws the curves, and says what came out."""
    rows = read_rows(where / "metrics.jsonl")
    clock = read_rows(where / "timing.jsonl")
    if not rows:
        raise RunError(f"{where / 'metrics.jsonl'} has no rows; was it emptied?")
    last, plan = rows[-1], ready.plan
    state = gathered(learner.judged.state_dict())
    if run:
        weights = {name: value.detach().cpu().contiguous() for name, value in state.items()}
        run.write("weights.safetensors", safetensors(weights, {"format": "pt"}))
        run.write("curves.svg", curves(plan.name, rows, ready.train.unit, ready.data.watched))
    result = RunResult(
        name=plan.name,
        directory=where,
        accuracy=100 - last["validation"]["error"],
        train_accuracy=100 - last["train"]["error"],
        loss=last["validation"]["loss"],
        watched=ready.data.watched,
        epochs=last["epoch"],
        steps=last["step"],
        seconds=clock[-1]["seconds"] if clock else 0.0,
        images_per_second=clock[-1]["images_per_second"] if clock else 0.0,
        params=plan.params,
        macs=plan.macs,
        files={name: where / place for name, place in PLACES.items()},
    )
    if run:
        run.update(status="done", result={"accuracy": result.accuracy, "seconds": round(result.seconds, 3)})
    return result
