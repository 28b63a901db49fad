"""A plan and options → a trained run; a run directory → the same run, gone on with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from ..errors import RunError
from ..faults import is_out_of_memory
from ..plan import Plan
from .engine.assemble import distribute, make_feed, make_learner
from .engine.loop import Learner, Loop
from .failures import explained, out_of_memory
from .options import Options
from .parallel.distributed import World, joined
from .prepare import Prepared, normalization_of, prepare
from .recording import accounted, describe, finish, recorded, run_checkpoints
from .reporter import Reporter, Silent, Start
from .run.checkpoint import Checkpoints, State
from .run.directory import RunDirectory, create
from .run.result import RunResult
from .settings.backends import settle
from .signals import StoppedError, listening


def start(
    plan: Plan, out: Path | None, options: Options, reporter: Reporter
) -> RunResult:
    """A fresh run in a directory of its own."""
    with joined(os.environ, options.device, reporter.say) as world:
        ready = prepare(plan, options, world)
        made = (
            create(plan.name, out, force=options.force)
            if world.first
            else nullcontext()
        )
        with made as run, accounted(run):
            if run:
                describe(run, ready)
            return carry_on(ready, run, reporter if world.first else Silent())


def carry_on(
    ready: Prepared, run: RunDirectory | None, reporter: Reporter
) -> RunResult:
    """From the newest checkpoint, or from step 0, to the end. `run` is None on all ranks but the
    first."""
    ready = replace(ready, decisions=ready.decisions.agreed(ready.world))
    settle(ready.decisions)
    world, train = ready.world, ready.train
    learner = make_learner(ready.plan, train, ready.sampler, ready.decisions, world)
    normalization = normalization_of(ready)
    checkpoints = run_checkpoints(run, ready.options.keep) if run else None
    state = world.share(checkpoints.load(reporter.say) if checkpoints else None)
    if state:
        _load(learner, state, world)
    if run:
        for trouble in run.metrics.restore(
            learner.step, state.get("rows") if state else {}
        ):
            reporter.say(trouble)
    feed = make_feed(train, ready.data, ready.sampler, normalization, ready.decisions)
    part = (train.batch // world.size // train.accumulate, *ready.plan.input)
    with explained(learner.net, lambda: "a pass before the first step"):
        distribute(learner, part, ready.decisions, world)
    with listening() as request, recorded(run, ready, normalization) as record:
        loop = Loop(
            train=train,
            learner=learner,
            feed=feed,
            decisions=ready.decisions,
            world=world,
            reporter=reporter,
            save=_saver(learner, checkpoints, run, world),
            record=record,
            asked=lambda: request.number,
            save_every=ready.options.save_every,
            clock=run.metrics.seconds() if run else 0.0,
        )
        for note in ready.data.notes:
            reporter.say(note)
        reporter.start(_opening(ready, run, learner))
        try:
            number = _run(loop, ready)
        finally:
            reporter.stop()
            learner.model = learner.net  # DDP goes before the group that it holds on to
        where = world.share(str(run.path) if run else "")
        if number:
            told = f"stopped after step {learner.step:,}, saved"
            raise StoppedError(number, f"{told}; go on with: resgraph resume {where}")
        return finish(ready, run, learner, Path(where))


def _load(learner: Learner, state: State, world: World) -> None:
    try:
        learner.load(state, world)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"the checkpoint is not one of this net and recipe: {str(error).splitlines()[0]}"
        ) from error


def _run(loop: Loop, ready: Prepared) -> int:
    """The loop, with what stops it in a user's words."""
    learner = loop.learner
    try:
        with (
            warnings.catch_warnings(),
            explained(learner.net, lambda: f"step {learner.step + 1:,}"),
        ):
            # dynamo looks at the gradient of what flows from one graph into the next
            warnings.filterwarnings(
                "ignore", "The .grad attribute of a Tensor", UserWarning
            )
            return loop.run()
    except (MemoryError, OSError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise out_of_memory(ready) from error
        raise


def _saver(
    learner: Learner,
    checkpoints: Checkpoints | None,
    run: RunDirectory | None,
    world: World,
) -> Callable[[State], None]:
    def save(state: State) -> None:
        if checkpoints and run:
            checkpoints.save(
                {**state, "rows": run.metrics.rows()}, learner.step, world.size
            )

    return save


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
        watched=ready.data.watched,
    )
