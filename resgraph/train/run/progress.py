"""Reporters for people: a live bar with rich on a terminal, a line per epoch anywhere else."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ...counting import counted
from ..reporter import Epoch, Reporter, RunStart, Step, epochs_of


def reporter_for(stream: TextIO | None = None) -> Reporter:
    """The bar where `stream` (stderr) is a terminal that can be rewritten, else lines."""
    console = _Console(file=stream or sys.stderr, highlight=False)
    return (
        Bar(console)
        if console.is_terminal and not console.is_dumb_terminal
        else Lines(console)
    )


class _Console(Console):
    """One that falls silent where its pipe or terminal is closed; a run continues without it."""

    def on_broken_pipe(self) -> None:
        """In place of the end of the program."""
        self.quiet = True


def epoch_line(epoch: Epoch, epochs: float, watched: str) -> str:
    """`epoch 12/40  loss 0.112  train error 3.12 %  validation error 1.39 %  lr 0.042  8 s`."""
    return (
        f"epoch {epoch.epoch:>3g}/{epochs:g}  loss {epoch.train_loss:.4f}  "
        f"train error {epoch.train_error:5.2f} %  "
        f"{watched} error {epoch.validation_error:5.2f} %  lr {epoch.lr:.2g}  {epoch.seconds:.0f} s"
    )


class Lines(Reporter):
    """A line for each evaluation, and nothing that moves."""

    def __init__(self, console: Console) -> None:
        self.console, self.epochs, self.watched = console, 0.0, "validation"

    def start(self, start: RunStart) -> None:
        """What is trained, on what, and where to."""
        self.epochs, self.watched = start.epochs, start.watched
        for line in opening(start):
            self.say(line)

    def epoch(self, epoch: Epoch) -> None:
        """One line."""
        self.say(epoch_line(epoch, self.epochs, self.watched))

    def say(self, text: str) -> None:
        """The text as it is: no markup is read in it. A terminal that is gone is not worth a
        run."""
        try:
            self.console.print(Text(text), soft_wrap=True)
        except UnicodeEncodeError:
            self.console.file.write(
                text.encode("ascii", "replace").decode() + "\n"
            )
        except OSError:
            self.console.quiet = True


class Bar(Lines):
    """One bar over all steps, with loss, error, learning rate, throughput and the time that is
    left."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(
                bar_width=None,
                complete_style="#3b6fb6",
                finished_style="#3b6fb6",
                pulse_style="#3b6fb6",
            ),
            TextColumn("{task.fields[facts]}", style="#616e7c"),
            TimeElapsedColumn(),
            TextColumn("·"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            expand=True,
        )

    def start(self, start: RunStart) -> None:
        """The opening lines, then the bar."""
        super().start(start)
        self.task = self.progress.add_task(
            f"epoch 0/{start.epochs:g}", total=start.steps, facts=""
        )
        self.progress.update(self.task, completed=start.first_step)
        self.progress.start()

    def step(self, step: Step) -> None:
        """Moves the bar."""
        speed = f"{step.images_per_second:,.0f} images/s"
        facts = f"loss {step.loss:.3f}  error {step.error:.1f} %  lr {step.lr:.2g}  {speed}"
        self.progress.update(
            self.task,
            completed=step.step,
            description=f"epoch {step.epoch}/{self.epochs:g}",
            facts=facts,
        )

    def stop(self) -> None:
        """Takes the bar away."""
        self.progress.stop()


def opening(start: RunStart) -> list[str]:
    """The lines before the first step: what is trained, then the choices that say something by
    themselves."""
    first = f", from step {start.first_step:,}" if start.first_step else ""
    choices_shown = (
        _choice_text(what, choice) for what, choice, _ in start.decisions
    )
    choices = ", ".join(filter(None, choices_shown))
    return [
        (
            f"{start.name}: {start.params:,} parameters, {counted(start.images, 'image')},"
            f" {epochs_of(start.epochs)} ({counted(start.steps, 'step')}){first}"
        ),
        f"{choices} → {start.directory}",
        *start.weights,
    ]


def _choice_text(what: str, choice: str) -> str:
    """`checkpointing`, not `on`; nothing of what is off."""
    return {"on": what, "off": ""}.get(choice, choice)
