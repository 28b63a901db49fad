"""The command line → exit codes: results on stdout, all else on stderr, one clear message for each
mistake.

Exit codes: 0 done, 1 the spec is wrong, 2 usage, 3 training failed, 4 something is missing from the
environment, 5 the checkpoint or run directory is unusable, 128+n a signal, 70 a bug of ours."""

from __future__ import annotations

import gc
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

from .. import __version__
from ..errors import MissingError, ResgraphError, UsageError
from ..faults import translated
from ..garbage import nothing_collected
from .report import colored, report

_COMMANDS = {
    "check": "check specs, and what they expect of themselves",
    "show": "print a net as a table",
    "fmt": "put specs in one style, in labels or in the long form",
    "resolve": "print a spec with everything filled in",
    "diff": "compare two nets",
    "explain": "explain an error code, or a node of a net",
    "schema": "print the JSON Schema of specs, for editors",
    "mcp": "serve agents: the commands as tools, in one directory",
    "lsp": "serve editors: mistakes, shapes and costs as specs are typed",
    "zoo": "list the nets that come with resgraph",
    "blocks": "list the standard blocks, or print one",
    "new": "write a starter spec",
    "render": "draw a net",
    "serve": "write a spec beside its figure, in the browser",
    "export": "write a net as Python source, safetensors, .pt2 or ONNX",
    "weights": "take weights from torchvision or timm",
    "import": "write the spec of a model of timm, torchvision or your own",
    "build": "check a spec, compile it, draw it and train it",
    "sweep": "compare nets over seeds: runs, a table, curves",
    "recipes": "list the recipes of training, or print one",
    "resume": "resume a run",
    "runs": "list and compare runs",
    "profile": "measure time, memory and gradients of each node",
    "eval": "evaluate a run's weights",
    "predict": "say what a trained net sees in images",
}


@cache
def _loaded(file: str) -> ModuleType:
    """The module of a command; what it loads stays, and is never searched for garbage."""
    with nothing_collected():
        module = import_module(f".commands.{file}", __name__)
        gc.freeze()
    return module


class _Commands(click.Group):
    """Commands in modules of their own, imported when they are run: `check` must start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(
        self, ctx: click.Context, cmd_name: str
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        # `import` is a word of Python
        file = "import_" if cmd_name == "import" else cmd_name
        name = "evaluate" if cmd_name == "eval" else file
        command: click.Command = getattr(_loaded(file), name)
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if (
            args
            and args[0] not in _COMMANDS
            and not args[0].startswith("-")
        ):
            from ..language.diagnose.nearest import near_or_all

            hint = near_or_all(args[0], _COMMANDS, "the commands are")
            raise click.UsageError(f"no command `{args[0]}`: {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="resgraph")
def cli() -> None:
    """Residual networks in YAML that reads like the paper: checked, drawn, compiled and trained.

    A SPEC is a file, a variant in it (net.yaml::large), or a net of the zoo: resnet-50
    """


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code."""
    as_json = "--json" in arguments or "--format=json" in "=".join(
        arguments
    )
    try:
        _need_directory()
        code = cli.main(
            arguments,
            prog_name="resgraph",
            standalone_mode=False,
            color=colored(),
        )
        return code if isinstance(code, int) else 0
    except click.ClickException as problem:
        if as_json:
            return _told(UsageError(problem.format_message()), as_json=True)
        problem.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ResgraphError as problem:
        return _told(problem, as_json=as_json)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as problem:
        told = translated(problem, arguments)
        return _bug() if told is None else _told(told, as_json=as_json)


def _need_directory() -> None:
    """Where the current directory was deleted, torch ends the process, and a relative path is
    none."""
    try:
        Path.cwd()
    except OSError as problem:
        raise MissingError(
            "the current directory was deleted, or cannot be read; change to another"
        ) from problem


def _told(problem: ResgraphError, *, as_json: bool) -> int:
    """Says what is wrong; the exit code."""
    report(problem, as_json=as_json)
    return problem.exit_code


def _bug() -> int:
    """Our own mistake, with all that is needed to mend it."""
    traceback.print_exc()
    click.echo(
        f"\nThis is a bug in resgraph {__version__}, not in your spec. Please report it with the"
        " command, the spec and the lines above.",
        err=True,
    )
    return 70
