"""What the commands about runs share: options of the machine, the reporter, how results are
printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from ..errors import UsageError
from .report import is_first, print_json

if TYPE_CHECKING:
    from ..train import Options, Reporter
    from ..train.run.result import RunResult

F = TypeVar("F", bound=Callable[..., Any])
RunKind = Literal["train", "evaluate", "predict"]

_AUTO: dict[str, Any] = {"default": "auto", "show_default": True}


def _choice(*words: str) -> dict[str, Any]:
    return {**_AUTO, "type": click.Choice(words)}


_SWITCH = _choice("auto", "on", "off")
_TRAIN = {"train"}
_SCORE = {"train", "evaluate"}
_INFER = {"evaluate", "predict"}
_ALL = {"train", "evaluate", "predict"}

_OPTIONS: tuple[tuple[set[str], str, dict[str, Any]], ...] = (
    (_ALL, "--device", {**_AUTO, "help": "cpu, cuda, cuda:1, mps"}),
    (_SCORE, "--precision", _choice("auto", "fp32", "bf16", "fp16")),
    (_SCORE, "--layout", _choice("auto", "channels-last", "contiguous")),
    (_INFER, "--engine", {
        **_choice("torch", "onnx", "auto"), "default": "torch",
        "help": "what runs the net; onnx is faster on many CPUs (auto: where it pays)",
    }),
    (_TRAIN, "--compile", _SWITCH),
    (_TRAIN, "--checkpointing", {
        **_SWITCH, "help": "recompute blocks in the backward pass: less memory, more time",
    }),
    (_TRAIN, "--sharding", {
        **_SWITCH,
        "help": "divide weights and optimizer state among processes: less memory, more talk",
    }),
    (_TRAIN, "--deterministic", {
        **_SWITCH, "help": "on a GPU: bitwise reproducible (auto: on), or the fastest ways",
    }),
    (_SCORE, "--workers", {
        "type": click.IntRange(0), "help": "processes that load images",
    }),
    (_SCORE, "--threads", {
        "type": click.IntRange(1), "help": "threads of torch on the CPU",
    }),
    (_TRAIN, "--tensorboard/--no-tensorboard", {
        "default": None,
        "help": "events for TensorBoard in RUN/tensorboard; a resume does what the run"
        " began with",
    }),
    (_SCORE, "--data", {
        "type": click.Path(path_type=Path), "metavar": "PATH", "help": "where the images are",
    }),
    (_TRAIN, "--save-every", {
        "type": click.IntRange(1), "metavar": "STEPS", "help": "steps between checkpoints",
    }),
)  # fmt: skip
"""Where and how fast, with who reads it; none of it changes what is learned."""


def run_options(use: RunKind) -> Callable[[F], F]:
    """The options that a command reads which trains, evaluates or predicts."""

    def add(command: F) -> F:
        for users, name, kind in reversed(_OPTIONS):
            if use in users:
                command = click.option(name, **kind)(command)
        return command

    return add


def print_result(result: RunResult, *, as_json: bool) -> None:
    """What a run came to, printed by one process."""
    if is_first() and as_json:
        print_json(result.document())
    elif is_first():
        click.echo(result.summary())


def options_from(settings: dict[str, Any], **more: Any) -> Options:
    """The options of a run from those of the command line."""
    from ..train import Options

    return Options(**settings, **more)


def reporter(*, quiet: bool) -> Reporter:
    """A bar on a terminal, a line per epoch elsewhere, nothing where `quiet`."""
    from ..train import Silent
    from ..train.run.progress import reporter_for

    return Silent() if quiet else reporter_for()


def need_run(overrides: tuple[str, ...], key: str | None) -> None:
    """Refuses what is for a spec with `--weights` alone. Raises `UsageError`."""
    if overrides or key:
        option = "--set" if overrides else "--key"
        raise UsageError(
            f"{option} is for a spec with --weights FILE: a run has the spec and the weights that"
            " it was trained with"
        )


def need_spec(run: Path) -> None:
    """Refuses `--weights` for a run. Raises `UsageError`."""
    if run.is_dir():
        raise UsageError("--weights is for a spec: a run has its own")


def need_weights(weights: str | None, key: str | None) -> None:
    """Refuses a `--key` that no `--weights` reads. Raises `UsageError`."""
    if key and not weights:
        raise UsageError(
            "--key says which state dict of --weights FILE, and there is none"
        )


def weights_option(command: F) -> F:
    """`--weights` and `--key`: a spec with weights in place of a run."""
    command = click.option(
        "--key",
        metavar="KEY",
        help="which state dict of that file, as `model_ema`",
    )(command)
    return click.option(
        "--weights",
        metavar="FILE",
        help="weights for a spec: a file, a run, hf-hub:OWNER/NAME, torchvision:NAME",
    )(command)


def run_argument(command: F) -> F:
    """A run directory."""
    return click.argument(
        "run", type=click.Path(path_type=Path), metavar="RUN"
    )(command)
