"""A plan and options → a trained run; a run directory → the same run, resumed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from msgspec.structs import replace

from ..errors import RunError
from ..faults import is_out_of_memory
from ..plan import Plan
from .data.normalize import Normalization
from .engine.assemble import distribute, make_data_loader, make_train_state
from .engine.loop import Loop, TrainState
from .engine.whiten import whitener
from .failures import explained, out_of_memory
from .options import Options
from .parallel.distributed import World, process_group
from .prepare import Prepared, normalization_of, prepare
from .recording import (
    describe,
    finish,
    outcome_recorded,
    recorded,
    run_checkpoints,
    write_weights,
)
from .reporter import Reporter, RunStart, Silent
from .run.checkpoint import Checkpoints, State
from .run.directory import BEST, RunDirectory, create, need_free
from .run.result import RunResult
from .settings.backends import configure_backends
from .signals import StoppedError, catching_signals


def start(
    plan: Plan, out: Path | None, options: Options, reporter: Reporter
) -> RunResult:
    """A fresh run in a directory of its own."""
    with process_group(os.environ, options.device, reporter.say) as world:
        if out is not None and world.first:
            need_free(out, force=options.force)
        ready = prepare(plan, options, world)
        made = (
            create(plan.name, out, force=options.force)
            if world.first
            else nullcontext()
        )
        with made as run, outcome_recorded(run):
            if run:
                describe(run, ready)
            return run_to_end(
                ready, run, reporter if world.first else Silent()
            )


def run_to_end(
    ready: Prepared, run: RunDirectory | None, reporter: Reporter
) -> RunResult:
    """From the newest checkpoint, or from step 0, to the end. `run` is None on all ranks but the
    first."""
    ready = replace(ready, decisions=ready.decisions.agreed(ready.world))
    configure_backends(ready.decisions)
    world, train, decisions = ready.world, ready.train, ready.decisions
    normalization = normalization_of(ready)
    checkpoints = run_checkpoints(run, ready.options.keep) if run else None
    train_state = _begin(ready, normalization, run, checkpoints, reporter)
    loader = make_data_loader(
        train, ready.data, ready.sampler, normalization, decisions
    )
    with (
        catching_signals() as request,
        recorded(run, ready, normalization) as record,
    ):
        loop = Loop(
            train=train,
            task=ready.task,
            train_state=train_state,
            data_loader=loader,
            decisions=decisions,
            world=world,
            reporter=reporter,
            save=_saver(train_state, checkpoints, run, world),
            keep_best=lambda state: write_weights(run, BEST, state),
            record=record,
            stop_signal=lambda: request.number,
            save_every=ready.options.save_every,
            clock=run.metrics.seconds() if run else 0.0,
            minutes=ready.options.minutes,
        )
        number = _run(loop, ready, _opening(ready, run, train_state))
        where = Path(world.share(str(run.path) if run else ""))
        if number:
            raise _stopped(number, train_state.step, where)
        return finish(ready, run, loop, where)


def _begin(
    ready: Prepared,
    normalization: Normalization,
    run: RunDirectory | None,
    checkpoints: Checkpoints | None,
    reporter: Reporter,
) -> TrainState:
    """The state of the newest checkpoint, else of step 0 with the weights that the recipe starts
    from; metrics are cut back to it."""
    world, decisions = ready.world, ready.decisions
    train_state = make_train_state(
        ready.plan, ready.task, ready.sampler, decisions, world
    )
    state = world.share(
        checkpoints.load(reporter.say) if checkpoints else None
    )
    if state:
        _load(train_state, state, world)
    else:
        given = ready.start.give if ready.start else None
        white = whitener(ready.train, ready.data, normalization, world)
        for give in filter(None, (given, white)):
            train_state.start_from(give)
    if run:
        rows = state.get("rows") if state else {}
        for damage in run.metrics.restore(train_state.step, rows):
            reporter.say(damage)
    _distribute(train_state, ready)
    return train_state


def _distribute(train_state: TrainState, ready: Prepared) -> None:
    """Puts DDP around the net, or shards it, by a pass of the size of a batch."""
    train, world = ready.train, ready.world
    size = train.batch // world.size // train.accumulate
    shapes = [(size, *shape) for shape in ready.plan.inputs.values()]
    with explained(train_state.net, lambda: "a pass before the first step"):
        distribute(train_state, shapes, ready.decisions, world)


def _stopped(number: int, step: int, where: Path) -> StoppedError:
    message = f"stopped after step {step:,}, saved"
    return StoppedError(
        number, f"{message}; resume it with: resgraph resume {where}"
    )


def _load(train_state: TrainState, state: State, world: World) -> None:
    try:
        train_state.load(state, world)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"the checkpoint is not one of this net and recipe: {str(error).splitlines()[0]}"
        ) from error


def _run(loop: Loop, ready: Prepared, opening: RunStart) -> int:
    """The loop, with what stops it in a user's words."""
    train_state = loop.train_state
    for note in ready.data.notes:
        loop.reporter.say(note)
    loop.reporter.start(opening)
    try:
        with (
            warnings.catch_warnings(),
            explained(
                train_state.net, lambda: f"step {train_state.step + 1:,}"
            ),
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
    finally:
        loop.reporter.stop()
        # DDP goes before the process group that it holds on to
        train_state.model = train_state.net


def _saver(
    train_state: TrainState,
    checkpoints: Checkpoints | None,
    run: RunDirectory | None,
    world: World,
) -> Callable[[State], None]:
    def save(state: State) -> None:
        if checkpoints and run:
            checkpoints.save(
                {**state, "rows": run.metrics.rows()},
                train_state.step,
                world.size,
            )

    return save


def _opening(
    ready: Prepared, run: RunDirectory | None, train_state: TrainState
) -> RunStart:
    return RunStart(
        name=ready.plan.name,
        directory=run.path if run else Path(),
        params=ready.plan.params,
        epochs=round(ready.steps / ready.sampler.steps_per_epoch, 3),
        steps=ready.steps,
        steps_per_epoch=ready.sampler.steps_per_epoch,
        images=len(ready.data.train),
        first_step=train_state.step,
        decisions=ready.decisions.reasons,
        watched=ready.data.watched,
        weights=tuple(ready.start.lines(whole=False))
        if ready.start
        else (),
    )
