"""What the commands about runs share: options of the machine, the reporter, how results are
printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from ..train import Options, Reporter

F = TypeVar("F", bound=Callable[..., Any])
Use = Literal["train", "evaluate", "predict"]
Option = Callable[[Any], Any]

_AUTO: dict[str, Any] = {"default": "auto", "show_default": True}
_SWITCH: dict[str, Any] = {**_AUTO, "type": click.Choice(["auto", "on", "off"])}
_TRAIN, _SCORE, _ALL = (
    {"train"},
    {"train", "evaluate"},
    {"train", "evaluate", "predict"},
)

_OPTIONS: tuple[tuple[set[str], Option], ...] = (
    (_ALL, click.option("--device", **_AUTO, help="cpu, cuda, cuda:1, mps")),
    (
        _SCORE,
        click.option(
            "--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), **_AUTO
        ),
    ),
    (
        _SCORE,
        click.option(
            "--layout",
            type=click.Choice(["auto", "channels-last", "contiguous"]),
            **_AUTO,
        ),
    ),
    (_TRAIN, click.option("--compile", **_SWITCH)),
    (
        _TRAIN,
        click.option(
            "--checkpointing",
            **_SWITCH,
            help="recompute blocks in the backward pass: less memory, more time",
        ),
    ),
    (
        _TRAIN,
        click.option(
            "--sharding",
            **_SWITCH,
            help="divide weights and optimizer state among processes: less memory, more talk",
        ),
    ),
    (
        _TRAIN,
        click.option(
            "--deterministic",
            **_SWITCH,
            help="on a GPU: bitwise reproducible (auto: on), or the fastest ways",
        ),
    ),
    (
        _SCORE,
        click.option(
            "--workers", type=click.IntRange(0), help="processes that load images"
        ),
    ),
    (
        _SCORE,
        click.option(
            "--threads", type=click.IntRange(1), help="threads of torch on the CPU"
        ),
    ),
    (
        _TRAIN,
        click.option(
            "--tensorboard/--no-tensorboard",
            default=None,
            help=(
                "events for TensorBoard in RUN/tensorboard; a resume does what the run"
                " began with"
            ),
        ),
    ),
    (
        _SCORE,
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="where the images are",
        ),
    ),
    (
        _TRAIN,
        click.option(
            "--save-every",
            type=click.IntRange(1),
            metavar="STEPS",
            help="steps between checkpoints",
        ),
    ),
)
"""Where and how fast, with who reads it; none of it changes what is learned."""


def run_options(use: Use) -> Callable[[F], F]:
    """The options that a command reads which trains, evaluates or predicts."""

    def add(command: F) -> F:
        for users, option in reversed(_OPTIONS):
            if use in users:
                command = option(command)
        return command

    return add


def options_from(settings: dict[str, Any], **more: Any) -> Options:
    """The options of a run from those of the command line."""
    from ..train import Options

    return Options(**settings, **more)


def reporter(*, quiet: bool) -> Reporter:
    """A bar on a terminal, a line per epoch elsewhere, nothing where `quiet`."""
    from ..train import Silent
    from ..train.run.progress import reporter_for

    return Silent() if quiet else reporter_for()


def run_argument(command: F) -> F:
    """A run directory."""
    return click.argument("run", type=click.Path(path_type=Path), metavar="RUN")(
        command
    )
