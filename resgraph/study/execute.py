"""A study → its runs, each trained once, in this process or in several; a run that is there
already is not made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .. import train
from ..errors import TrainingError
from ..plan import Plan
from ..structs import Frozen
from ..train import Options, RunInfo
from ..train.parallel.share import share_of_machine
from ..train.signals import StoppedError, catching_signals
from .folder import PlacedRun, StudyFolder, key_of, place_of_run
from .plan import Job

JobStatus = Literal["done", "failed", "stopped"]
_POLL = 0.2  # seconds between looks at whether a signal came


class Outcome(Frozen):
    """How a run ended; `text` says why, where it failed."""

    placed: PlacedRun
    status: JobStatus
    text: str = ""


def placed(
    folder: StudyFolder, jobs: Sequence[Job], options: Options
) -> list[PlacedRun]:
    """Each run with its directory, which its net, recipe, data and versions name."""
    out = []
    fingerprints: dict[str, str] = {}
    for job in jobs:
        plan = job.plan()
        key = key_of(job, plan, _fingerprint(plan, options, fingerprints))
        out.append(PlacedRun(job, key, place_of_run(folder.path, job, key)))
    return out


def _fingerprint(
    plan: Plan, options: Options, known: dict[str, str]
) -> str:
    """What the images are that a plan is trained on; "" where they are made. Read once for each
    data set and shape."""
    from ..train import data as datasets
    from ..train.prepare import data_path, recipe_of

    record = recipe_of(plan).data
    if record.made:
        return ""
    path = data_path(plan, options)
    what = f"{record!r} {path} {plan.input} {plan.output}"
    if what not in known:
        data = datasets.load(record, plan.input, plan.output, path)
        known[what] = f"{data.train.digest()} {data.validation.digest()}"
    return known[what]


def is_done(run: PlacedRun) -> bool:
    """Whether a run came to its end."""
    info = info_of(run)
    return info is not None and info.status == "done"


def info_of(run: PlacedRun) -> RunInfo | None:
    """What is known of a run; None where it has not begun."""
    if not (run.path / "run.json").is_file():
        return None
    return train.read_run(run.path)


Execute = Callable[[Sequence[PlacedRun]], Iterator[Outcome]]
"""Makes runs that are not done yet, and tells how each ended."""


def execute(
    options: Options, count: int, runs: Sequence[PlacedRun]
) -> Iterator[Outcome]:
    """Runs what is not done yet, `count` at a time, and tells how each ended.

    A run that diverges is told of, and the others go on. Raises `StoppedError` where a signal came,
    with all runs saved, and whatever would end every run (a full disk, missing data)."""
    if count == 1 or len(runs) <= 1:
        yield from _in_this_process(runs, options)
    else:
        yield from _in_processes(runs, options, min(count, len(runs)))


def _in_this_process(
    runs: Sequence[PlacedRun], options: Options
) -> Iterator[Outcome]:
    with catching_signals() as request:
        for run in runs:
            try:
                outcome = train_run(run, options)
            except StoppedError as signal:
                raise stopped(signal.number) from None
            yield outcome
            if request.number:
                raise stopped(request.number)


def train_run(run: PlacedRun, options: Options) -> Outcome:
    """Trains a run, or goes on with it."""
    plan = run.job.plan()
    options = replace(options, minutes=run.job.minutes)
    try:
        train.build(plan, out=run.path, options=options, auto_resume=True)
    except TrainingError as error:
        return Outcome(run, "failed", str(error))
    return Outcome(run, "done")


class _Worker(Struct):
    process: BaseProcess
    pipe: Connection
    run: PlacedRun | None = None


def _in_processes(
    runs: Sequence[PlacedRun], options: Options, count: int
) -> Iterator[Outcome]:
    """Processes that each make several runs: torch is imported once in each."""
    left = list(runs)
    workers = [
        _start(share_of_machine(options, place, count))
        for place in range(count)
    ]
    try:
        with catching_signals() as request:
            for worker in workers:
                _give(worker, left)
            while any(worker.run for worker in workers):
                if request.number:
                    raise _stop(workers, request.number)
                for place, worker in enumerate(workers):
                    outcome = _heard(worker)
                    if outcome is None:
                        continue
                    if not worker.process.is_alive():
                        workers[place] = worker = _start(
                            share_of_machine(options, place, count)
                        )
                    _give(worker, left)
                    yield outcome
                wait([w.pipe for w in workers if w.run], _POLL)
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join()


def _start(options: Options) -> _Worker:
    # a fork would copy threads of torch that hold locks
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(theirs, options), daemon=False
    )
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection, options: Options) -> None:
    """The life of a worker: a run after another until the pipe closes."""
    try:
        while True:
            run: PlacedRun = pipe.recv()
            try:
                outcome: Outcome | Exception = train_run(run, options)
            except StoppedError:
                return
            except Exception as error:
                outcome = error
            pipe.send(outcome)
    except (EOFError, BrokenPipeError):
        return


def _give(worker: _Worker, left: list[PlacedRun]) -> None:
    worker.run = left.pop(0) if left else None
    if worker.run:
        with suppress(OSError):  # of one that died, its pipe tells
            worker.pipe.send(worker.run)


def _heard(worker: _Worker) -> Outcome | None:
    """How the run of a worker ended, if it has. A worker that died takes its run with it."""
    run = worker.run
    if run is None:
        return None
    try:
        if not worker.pipe.poll():
            return None
        outcome = worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join()
        code = worker.process.exitcode
        return Outcome(
            run, "failed", f"its process ended with exit code {code}"
        )
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, Outcome)
    return outcome


def _stop(workers: Sequence[_Worker], number: int) -> StoppedError:
    """Lets every worker end its step and save."""
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join()
    return stopped(number)


def stopped(number: int) -> StoppedError:
    """What ends a sweep at a signal."""
    return StoppedError(
        number,
        "the sweep was stopped, with its runs saved; the same command goes on",
    )
