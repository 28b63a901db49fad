"""What is written to a run's directory: facts and pictures before the first step, rows of metrics
during training, weights and curves at the end."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as safetensors

from ..errors import RunError, TrainingError
from ..files import read_file
from ..language.recipe.target import SingleLabel
from ..plan import Plan
from .atomic_write import write_whole
from .augment.crops import REDUCING_GAP
from .data.formats.decoder import DECODING, TURNED, mode_of
from .data.normalize import Normalization
from .data.sets import DataSet
from .engine.loop import Loop
from .parallel.sharding import gathered
from .prepare import Prepared
from .report.page import Judgement
from .reporter import Epoch, epochs_of
from .run.checkpoint import Checkpoints
from .run.curves import curves
from .run.directory import BEST, PLACES, REPORT, RunDirectory
from .run.metrics_log import read_rows, seconds_of
from .run.result import RunResult
from .run.tensorboard import EventWriter
from .signals import StoppedError
from .tasks import Task
from .tasks.numbers import Numbers

MetricRows = list[dict[str, Any]]
"""Of metrics.jsonl."""


def describe(run: RunDirectory, ready: Prepared) -> None:
    """Writes what is known before the first step: the spec, its pictures and source, and the facts
    of the run."""
    plan, data = ready.plan, ready.data
    run.write("spec.yaml", plan.resolved())
    rewrite_derived(run, plan)
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
            **({"left_out": list(data.notes)} if data.notes else {}),
            **(
                {"path": str(data.path), "digests": digests(data)}
                if data.path
                else {}
            ),
        },
        **({"weights": ready.start.document()} if ready.start else {}),
        "classes": list(data.classes),
        "watched": data.watched,
        "params": plan.params,
        "macs": plan.macs,
        "steps": ready.steps,
        "world": ready.world.size,
        "decisions": [*map(list, ready.decisions.reasons)],
        "used": ready.decisions.used(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "command": sys.argv,
    }
    run.write("run.json", json.dumps(facts, indent=2) + "\n")


def digests(data: DataSet) -> dict[str, str]:
    """What the images of either part are, by name, order and place; of those in memory, by their
    pixels."""
    return {
        "train": data.train.digest(),
        "validation": data.validation.digest(),
    }


def rewrite_derived(run: RunDirectory, plan: Plan) -> list[str]:
    """Writes what follows from the spec, where it is not there as it should be; the names of what
    was written."""
    out = []
    for place, text in (
        ("source", plan.source()),
        ("table", plan.table().rstrip("\n") + "\n"),
        ("diagram", plan.svg()),
    ):
        path = run.path / PLACES[place]
        try:
            same = read_file(path) == text.encode()
        except OSError:
            same = False
        if not same:
            run.write(PLACES[place], text)
            out.append(path.name)
    return out


def spec_hash(plan: Plan) -> str:
    """SHA-256 of the resolved spec."""
    return hashlib.sha256(plan.resolved().encode()).hexdigest()


def run_checkpoints(run: RunDirectory, keep: int = 2) -> Checkpoints:
    """The checkpoints of a run, with the specs that it had."""
    facts = run.facts()
    return Checkpoints(
        run.checkpoints, facts["spec"], keep, tuple(facts.get("former", ()))
    )


def _preprocess(
    ready: Prepared, normalization: Normalization
) -> dict[str, object]:
    """What a prediction must do to an image, so that whoever reads this and knows Pillow comes to
    the same pixels."""
    data = ready.data
    mode = mode_of(data.shape[0])
    turned = {"orientation": TURNED} if data.exif else {}
    return {
        "shape": list(data.shape),
        "levels": data.levels,
        "decode": {
            "library": "Pillow",
            "mode": mode,
            "draft": data.resize,
            **DECODING,
            **turned,
        },
        "resize": _resizing(data),
        "flat": data.flat,
        "classes": list(data.classes),
        "normalize": normalization.document(),
        "target": ready.train.target.kind,
        **numbers_of(ready.task),
        "formula": f"image (0..{data.levels}) * scale - offset",
    }


def numbers_of(task: Task) -> dict[str, object]:
    """The units of what a net puts out, where it puts out other ones."""
    if not isinstance(task, Numbers) or task.units is None:
        return {}
    return {"numbers": task.units.document()}


def _resizing(data: DataSet) -> dict[str, object]:
    """How an image comes to the net's size: the middle of it, in one resampling, or the whole,
    stretched."""
    size = list(data.shape[1:])
    if data.resize is None:
        return {
            "shorter_side": None,
            "box": "the whole image",
            "size": size,
            "filter": "bilinear",
        }
    return {
        "shorter_side": data.resize,
        "box": "the middle: size * min(image width, image height) / shorter_side, cut to the image",
        "size": size,
        "filter": data.way,
        "reducing_gap": REDUCING_GAP,
    }


@contextmanager
def recorded(
    run: RunDirectory | None, ready: Prepared, normalization: Normalization
) -> Iterator[Callable[[Epoch, float], None]]:
    """While a loop runs: what writes its rows, and TensorBoard's events where they are wanted."""
    if run is None:
        yield lambda epoch, speed: None
        return
    run.write(
        "preprocess.json",
        json.dumps(_preprocess(ready, normalization)) + "\n",
    )
    run.update(status="running", world=ready.world.size, failure=None)
    board = EventWriter(run.path) if ready.options.tensorboard else None

    def record(epoch: Epoch, speed: float) -> None:
        run.metrics.append(epoch, speed)
        if board:
            board.follow()

    try:
        with outcome_recorded(run):
            yield record
    finally:
        if board:
            board.close()


@contextmanager
def outcome_recorded(run: RunDirectory | None) -> Iterator[None]:
    """Writes into a run how it ended, where it ends early, and says how to resume it."""
    try:
        yield
    except StoppedError:
        _note(run, status="stopped")
        raise
    except TrainingError as error:
        _note(run, status="failed", failure=str(error))
        if run and not str(error).endswith(_resume_hint(run)):
            raise TrainingError(f"{error}. {_resume_hint(run)}") from error
        raise
    except Exception as error:
        _note(
            run, status="failed", failure=str(error) or type(error).__name__
        )
        raise


def _note(run: RunDirectory | None, **facts: object) -> None:
    """Facts that are written if they can be: that the disk is full is reported already."""
    if run:
        with suppress(RunError):
            run.update(**facts)


def _resume_hint(run: RunDirectory) -> str:
    """What to do once the cause is gone."""
    if (run.checkpoints / "latest.json").exists():
        return f"When that is mended, `resgraph resume {run.path}` resumes from the last checkpoint"
    return "Nothing was saved yet: when that is mended, begin again with `resgraph build`"


def finish(
    ready: Prepared, run: RunDirectory | None, loop: Loop, where: Path
) -> RunResult:
    """Exports the weights, draws the curves, writes the report, and says what came out."""
    log = where / "metrics.jsonl"
    read = (
        (read_rows(log), read_rows(where / "timing.jsonl")) if run else None
    )
    rows, clock = ready.world.share(read)
    if not rows:
        raise RunError(f"{log} has no rows; was it emptied?")
    state = gathered(loop.train_state.eval_net.state_dict())
    if run:
        _export(run, ready, state, rows)
    _report(run, ready, loop, rows[-1]["epoch"])
    seconds = seconds_of(clock)
    result = _result(ready, where, rows[-1], seconds)
    if run:
        said = {"accuracy": result.accuracy, "seconds": round(seconds, 3)}
        run.update(status="done", result=said)
    return result


def _result(
    ready: Prepared, where: Path, last: dict[str, Any], seconds: float
) -> RunResult:
    """What came out, by the last row of metrics."""
    plan, images = ready.plan, last["step"] * ready.train.batch
    return RunResult(
        name=plan.name,
        directory=where,
        accuracy=100 - last["validation"]["error"],
        train_accuracy=100 - last["train"]["error"],
        loss=last["validation"]["loss"],
        watched=ready.data.watched,
        epochs=last["epoch"],
        steps=last["step"],
        seconds=seconds,
        images_per_second=images / seconds if seconds else 0.0,
        params=plan.params,
        macs=plan.macs,
        files=_files(where),
        measure=ready.train.target.measure,
    )


def _files(where: Path) -> dict[str, Path]:
    """What the run holds, by what it is."""
    may = {"best": BEST, "report": REPORT}
    there = {
        name: place
        for name, place in may.items()
        if (where / place).is_file()
    }
    return {
        name: where / place for name, place in {**PLACES, **there}.items()
    }


def write_weights(
    run: RunDirectory | None, name: str, state: dict[str, torch.Tensor]
) -> str:
    """Writes weights into a run, where this process has it; their SHA-256."""
    if run is None:
        return ""
    weights = {
        name: value.detach().cpu().contiguous()
        for name, value in state.items()
    }
    return write_whole(
        run.path / name, safetensors(weights, {"format": "pt"})
    )


def _export(
    run: RunDirectory,
    ready: Prepared,
    state: dict[str, torch.Tensor],
    rows: MetricRows,
) -> None:
    """Writes the weights, their SHA-256, and the curves."""
    digest = write_weights(run, PLACES["weights"], state)
    run.update(weights_sha256=digest)
    train, watched = ready.train, ready.data.watched
    drawn = curves(ready.plan.name, rows, train, watched)
    run.write("curves.svg", drawn)


def _report(
    run: RunDirectory | None, ready: Prepared, loop: Loop, epochs: float
) -> None:
    """Writes what the last evaluation saw of each image, where that has one class; a run that was
    at its end already is evaluated for it."""
    if not isinstance(ready.train.target, SingleLabel):
        return
    if loop.witness is None:
        loop.judge()
    assert loop.witness is not None and loop.found is not None
    verdicts = loop.witness.verdicts(
        len(ready.data.validation), ready.world
    )
    if run:
        after = f"weights after {epochs_of(epochs)}"
        told = Judgement(
            ready.plan.name, ready.data, verdicts, loop.found, after
        )
        run.write(REPORT, told.page())
