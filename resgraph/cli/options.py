"""The arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def spec_argument(command: F) -> F:
    """One spec."""
    return click.argument("spec", metavar="SPEC")(command)


def set_option(command: F) -> F:
    """`--set` and `--allow-outside`: how a spec is read."""
    command = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="PATH=VALUE",
        help="override a value of the spec, as in --set let.e=2 (repeatable)",
    )(command)
    return click.option("--allow-outside", is_flag=True, help="let the spec extend files outside its directory")(
        command
    )


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="print JSON")(command)


def output_options(command: F) -> F:
    """`-o` and `--force`."""
    command = click.option(
        "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="write there, not to stdout"
    )(command)
    return click.option("--force", is_flag=True, help="overwrite the file")(command)


def write(text: str, output: Path | None, *, force: bool) -> None:
    """Put text on stdout or in a file. Raises `UsageError` where the file is there already, or cannot be written."""
    if output is None or str(output) == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        with output.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{output} exists; --force overwrites it") from None
    except OSError as problem:
        raise UsageError(f"cannot write {output}: {problem.strerror}") from None
    click.echo(f"wrote {output}", err=True)
