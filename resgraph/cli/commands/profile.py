"""`resgraph profile`: a spec or a run → what each node takes in a training step."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...outputs.heat import Heat
from ...outputs.heat_csv import KNOWN
from ..loading import load_plan
from ..options import json_option, output_options, set_option, write
from ..report import print_json

if TYPE_CHECKING:
    from ...train.profiling import Profile

_COLUMNS = ("forward", "backward", "memory", "activation", "gradient")


@click.command()
@click.argument("spec", metavar="SPEC|RUN")
@set_option
@click.option(
    "--batch",
    type=click.IntRange(2),
    default=8,
    show_default=True,
    help="images of noise",
)
@click.option(
    "--repeats", type=click.IntRange(1), default=3, show_default=True, help="steps"
)
@output_options
@json_option
def profile(
    spec: str, overrides: tuple[str, ...], allow_outside: bool, batch: int, repeats: int,
    output: Path | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure each node in a training step on the CPU: seconds forward and backward, bytes kept for
    the backward pass, the root mean square of its output, the norm of the loss's gradient by it.

    A spec has fresh weights and images of noise, a run its own weights and images. `-o FILE.csv`
    writes what `render --paint FILE.csv:COLUMN` reads."""
    from ... import train

    is_run = (Path(spec) / "run.json").is_file()
    plan = (
        load_plan(spec, overrides, allow_outside=allow_outside) if not is_run else None
    )
    found = train.profile(plan or Path(spec), batch=batch, repeats=repeats)
    if output is not None:
        write(found.csv(), output, force=force)
    if as_json:
        print_json(found.document())
    elif output is None:
        click.echo(_table(found))


def _table(found: Profile) -> str:
    """A line for each row of the net, and the totals."""
    rows: dict[str, list[str]] = {}
    for name in found.nodes:
        rows.setdefault(name.partition(".")[0], []).append(name)
    heats = [Heat(kind, found.values(kind), *KNOWN[kind]) for kind in _COLUMNS]
    lines = [["row", *_COLUMNS]]
    lines += [[row, *_said(heats, names)] for row, names in rows.items()]
    added = [heat for heat in heats if heat.combine == "sum"]
    lines.append(["total", *_said(added, found.nodes)])
    wide = max(len(line[0]) for line in lines)
    text = [
        f"{row:<{wide}}" + "".join(f"{cell:>12}" for cell in cells)
        for row, *cells in lines
    ]
    return "\n".join([f"{found.name}: {found.about}", *text])


def _said(heats: Iterable[Heat], names: Iterable[str]) -> list[str]:
    names = list(names)
    extents = [(heat, heat.of(names)) for heat in heats]
    return [heat.said(extent[0]) if extent else "" for heat, extent in extents]
