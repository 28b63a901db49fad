"""What a run reports while it trains → the `Reporter` that shows it, and the records it gets."""

from __future__ import annotations

from pathlib import Path

from ..structs import Frozen


class RunStart(Frozen):
    """What is about to run. `decisions` are (what, choice, why)."""

    name: str
    directory: Path
    params: int
    epochs: float
    steps: int
    steps_per_epoch: int
    images: int
    first_step: int
    decisions: tuple[tuple[str, str, str], ...]
    # what the images that are evaluated are called
    watched: str = "validation"
    weights: tuple[str, ...] = ()  # what the net starts from, a line each


class Step(Frozen):
    """Where training stands within an epoch. `loss` and `error` (percent) are of the epoch so
    far."""

    step: int
    epoch: int
    lr: float
    loss: float
    error: float
    images_per_second: float


class Epoch(Frozen):
    """An evaluation: losses, errors in percent, and the seconds since the run (or its resume)
    began."""

    step: int
    epoch: float
    lr: float
    train_loss: float
    train_error: float
    validation_loss: float
    validation_error: float
    seconds: float


class Reporter:
    """What shows or logs a run; this one does nothing. Every method returns at once and never
    raises."""

    def start(self, start: RunStart) -> None:
        """Once, before the first step."""

    def step(self, step: Step) -> None:
        """Every few steps."""

    def epoch(self, epoch: Epoch) -> None:
        """After each evaluation."""

    def say(self, text: str) -> None:
        """Logs a line: a warning, a checkpoint that was skipped, how to resume."""

    def stop(self) -> None:
        """Once, at the end, whatever the end."""


class Silent(Reporter):
    """A reporter that shows nothing; other ranks than the first have it."""


def epochs_of(number: float) -> str:
    """`1 epoch`, `2.5 epochs`."""
    return f"{number:g} epoch{'' if number == 1 else 's'}"
