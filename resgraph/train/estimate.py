"""A plan and options → what a build would use, and why, with steps, memory and time, before
anything runs."""

from __future__ import annotations

import os

from msgspec.structs import replace

from ..counting import counted
from ..errors import TrainingError
from ..faults import is_out_of_memory
from ..plan import Plan
from ..structs import Frozen
from .augment.progressive import relative_work
from .options import Options
from .parallel.distributed import World
from .parallel.launch import launched
from .prepare import Prepared, images_of, prepare, resident_bytes
from .reporter import epochs_of
from .settings.decide import Reason
from .settings.memory import (
    larger_accumulations,
    memory_limit,
    size_text,
    with_memory_plan,
)
from .trial import batch_seconds, step_seconds


class Forecast(Frozen):
    """`memory` in bytes on each device, `seconds` of training and of a step; None where a number
    is not known.

    `too_large` says what to do where a step does not fit, `missing` how to get data that are not
    there; else empty."""

    name: str
    images: int | None
    steps: int | None
    epochs: float | None
    batch: int
    memory: int
    seconds: float | None
    step_seconds: float | None
    too_large: str
    missing: str
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...] = ()  # what of the data is left out
    weights: tuple[str, ...] = ()  # what each tensor starts from

    def text(self) -> str:
        """The lines that `--plan` prints."""
        rows = [
            *self.reasons,
            ("batch", f"{self.batch}", "images a step, over all processes"),
            self._steps(),
            (
                "memory",
                f"~ {self.memory / 2**20:,.0f} MiB",
                "weights, gradients, optimizer and activations",
            ),
            *([("fits", "no", self.too_large)] if self.too_large else []),
            self._time(),
            *([("data", "missing", self.missing)] if self.missing else []),
        ]
        wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
        lines = [
            f"{what:<{wide[0]}}  {choice:<{wide[1]}}  {why}"
            for what, choice, why in rows
        ]
        return "\n".join([*lines, *self.weights, *self.notes])

    def _steps(self) -> Reason:
        steps = "unknown" if self.steps is None else f"{self.steps:,}"
        epochs = "" if self.epochs is None else epochs_of(self.epochs)
        of = (
            "images that cannot be counted yet"
            if self.images is None
            else counted(self.images, "image")
        )
        return "steps", steps, f"{epochs} of {of}".strip()

    def _time(self) -> Reason:
        if self.seconds is None and self.step_seconds is not None:
            return (
                "time",
                f"~ {span(self.step_seconds)}",
                "a step, measured here",
            )
        if self.seconds is None:
            return "time", "unknown", "a step is too large to be tried here"
        measured = (
            "a few steps of fewer images, scaled"
            if self.too_large
            else "a few steps, measured here"
        )
        return (
            "time",
            f"~ {span(self.seconds)}",
            f"{measured}; evaluations, and files that are slow to read, come on top",
        )


def forecast(plan: Plan, options: Options) -> Forecast:
    """Reads the data, does without it where it is not there, and measures the device for a moment.

    Raises `TrainingError` where not even the data fits in memory.
    """
    try:
        ready = prepare(
            plan, options, World.of(launched(os.environ)), counted=True
        )
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"out of memory while the images of {plan.name} are read: {error}"
        ) from error
    one, by_epochs = _step_seconds(ready), ready.train.unit == "epochs"
    steps = None if ready.uncounted and by_epochs else ready.steps
    epochs = round(ready.steps / ready.sampler.steps_per_epoch, 3)
    return Forecast(
        name=plan.name,
        images=None if ready.uncounted else len(ready.data.train),
        steps=steps,
        epochs=None if ready.uncounted and not by_epochs else epochs,
        batch=ready.train.batch,
        memory=ready.decisions.memory,
        seconds=None if one is None or steps is None else one * steps,
        step_seconds=one,
        too_large=_too_large(ready),
        missing=ready.missing,
        reasons=ready.decisions.reasons,
        notes=ready.data.notes,
        weights=tuple(ready.start.lines(whole=True)) if ready.start else (),
    )


def _step_seconds(ready: Prepared) -> float | None:
    """Of a step and its batch, on average; None where it cannot be tried."""
    try:
        one = step_seconds(ready)
        return (
            None
            if one is None
            else one * _work(ready) + batch_seconds(ready)
        )
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            return None
        raise


def _too_large(ready: Prepared) -> str:
    """What to do where a step does not fit by estimate, else nothing."""
    needed = ready.decisions.memory
    room = memory_limit(ready.decisions.device)
    if needed <= room:
        return ""
    parts = _parts_that_fit(ready, room)
    way_out = (
        f"a smaller `batch`, or `accumulate: {parts}`"
        if parts
        else "a smaller net, or smaller images"
    )
    return f"{size_text(needed)} do not fit in {size_text(room)}: take {way_out}"


def _parts_that_fit(ready: Prepared, room: int) -> int | None:
    """The fewest parts of a step that fit, None where single images do not."""
    train, world = ready.train, ready.world.size
    for parts in larger_accumulations(train, world):
        smaller = replace(train, accumulate=parts)
        resident = resident_bytes(ready.data)
        if (
            with_memory_plan(
                ready.decisions,
                ready.plan,
                smaller,
                ready.options,
                world,
                resident,
            ).memory
            <= room
        ):
            return parts
    return None


def _work(ready: Prepared) -> float:
    """The part of a whole image that a step works on, over the run."""
    if ready.train.progressive is None:
        return 1.0
    per_epoch, shape = ready.sampler.steps_per_epoch, images_of(ready.plan)
    return relative_work(
        ready.train,
        per_epoch,
        -(-ready.steps // per_epoch),
        (shape[1], shape[2]),
    )


def span(seconds: float) -> str:
    """`0.5 s`, `12 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.0f} s"
    return (
        f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
