"""The arguments and options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import click
from click.shell_completion import CompletionItem

from ..errors import UsageError
from ..files import reason, replace_text, write_file
from ..streams import dropped

F = TypeVar("F", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A number within bounds; `nan`, which no bound keeps out, is none."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        found = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return float(found)


Multiple = tuple[str, ...]
"""What click hands on of an option or an argument that may be given several times."""


class SpecName(click.ParamType[str]):
    """A file, or a net of the zoo: a shell that completes it offers both."""

    name = "spec"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from ..language.references import zoo_words

        here = sorted(map(str, Path().glob("*.yaml")))
        found = [
            name
            for name in [*here, *zoo_words()]
            if name.startswith(incomplete)
        ]
        return [*map(CompletionItem, dict.fromkeys(found))] or [
            CompletionItem(incomplete, type="file")
        ]


SPEC = SpecName()


def spec_argument(command: F) -> F:
    """One spec."""
    return click.argument("spec", type=SPEC, metavar="SPEC")(command)


def specs_argument(command: F) -> F:
    """One spec or more."""
    return click.argument(
        "specs", type=SPEC, nargs=-1, required=True, metavar="SPEC..."
    )(command)


def set_option(command: F) -> F:
    """`--set` and `--allow-outside`: how a spec is read."""
    command = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="PATH=VALUE",
        help="override a value of the spec, as in --set let.e=2 (repeatable)",
    )(command)
    return click.option(
        "--allow-outside",
        is_flag=True,
        help="let the spec extend files outside its directory",
    )(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="print JSON"
    )(command)


def one_format(form: str, *, as_json: bool) -> str:
    """The format that is asked for, `json` by either option. Raises `UsageError` for two."""
    if as_json and form not in ("text", "json"):
        raise UsageError(f"--json and --format {form}: say one of them")
    return "json" if as_json else form


def _free(
    ctx: click.Context, param: click.Parameter, output: Path | None
) -> Path | None:
    """A place that cannot be written is told before anything is read, measured or drawn."""
    if is_file(output):
        _need_free(output, force=ctx.params["force"])
    return output


WRITTEN: dict[str, Any] = {
    "type": click.Path(readable=False, path_type=Path),
    "callback": _free,
}
"""An option, or an argument, that names a file to write; it stands with `force_option`."""


def output_options(command: F) -> F:
    """`-o` and `--force`."""
    command = click.option(
        "-o",
        "--output",
        **WRITTEN,
        metavar="FILE",
        help="write there, not to stdout",
    )(command)
    return force_option(command)


def force_option(command: F) -> F:
    """`--force`."""
    return click.option(
        "--force",
        is_flag=True,
        is_eager=True,  # what names the file asks for it
        help="overwrite the file",
    )(command)


def write(
    content: str | bytes, output: Path | None, *, force: bool
) -> None:
    """Put text or bytes on stdout or in a file. Raises `UsageError` where a file is there, or
    cannot be written."""
    if not is_file(output):
        with dropped():
            click.echo(
                content,
                nl=isinstance(content, str) and not content.endswith("\n"),
            )
        return
    try:
        write_file(
            output,
            content.encode() if isinstance(content, str) else content,
            overwrite=force,
        )
    except FileExistsError:
        raise _there(output) from None
    except OSError as problem:
        raise cannot_write(output, problem, "name another place") from None
    click.echo(f"wrote {output}", err=True)


def is_file(output: Path | None) -> TypeGuard[Path]:
    """Whether what is written goes into a file, not to stdout."""
    return output is not None and str(output) != "-"


def _need_free(output: Path, *, force: bool) -> None:
    """Raises `UsageError` where there is a file, or no folder for one."""
    if os.path.lexists(output) and not force:
        raise _there(output)
    try:
        # of a file in place of a folder that is said too
        os.stat(f"{output.absolute().parent}/.")  # noqa: PTH116
    except OSError as problem:
        raise cannot_write(output, problem, "name another place") from None


def _there(output: Path) -> UsageError:
    return UsageError(f"{output} exists; --force overwrites it")


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one. Raises `UsageError` where it
    cannot."""
    try:
        replace_text(path, text)
    except OSError as problem:
        raise cannot_write(path, problem, "it is as it was") from None


def cannot_write(path: Path, problem: OSError, then: str) -> UsageError:
    """Why, and what that means."""
    return UsageError(f"cannot write {path}: {reason(problem)}; {then}")
