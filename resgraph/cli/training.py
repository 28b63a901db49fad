"""What the commands about runs share: options of the machine, the reporter, how results are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..train import Options, Reporter

F = TypeVar("F", bound=Callable[..., Any])


def run_options(command: F) -> F:
    """Where and how fast; none of it changes what is learned."""
    for option in (
        click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps"),
        click.option(
            "--precision",
            type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
            default="auto",
            show_default=True,
        ),
        click.option(
            "--layout",
            type=click.Choice(["auto", "channels-last", "contiguous"]),
            default="auto",
            show_default=True,
        ),
        click.option("--compile", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True),
        click.option(
            "--checkpointing",
            type=click.Choice(["auto", "on", "off"]),
            default="auto",
            show_default=True,
            help="recompute blocks in the backward pass: less memory, more time",
        ),
        click.option("--workers", type=click.IntRange(0), help="processes that load images"),
        click.option("--threads", type=click.IntRange(1), help="threads of torch on the CPU"),
        click.option("--tensorboard", is_flag=True, help="events for TensorBoard in RUN/tensorboard"),
        click.option("--data", type=click.Path(path_type=Path), help="where the images are"),
        click.option("--save-every", type=click.IntRange(1), metavar="STEPS", help="steps between checkpoints"),
    ):
        command = option(command)
    return command


def options_from(settings: dict[str, Any], **more: Any) -> Options:
    """The options of a run from those of the command line."""
    from ..train import Options

    return Options(**settings, **more)


def reporter(*, quiet: bool) -> Reporter:
    """A bar on a terminal, a line per epoch elsewhere, nothing where `quiet`."""
    from ..train import Silent
    from ..train.progress import reporter_for

    return Silent() if quiet else reporter_for()


def run_argument(command: F) -> F:
    """A run directory."""
    return click.argument("run", type=click.Path(path_type=Path), metavar="RUN")(command)
