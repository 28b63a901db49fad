"""`resgraph profile`: a spec or a run → what each node takes in a training step."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...collecting import by_key
from ...errors import UsageError
from ...outputs.heat import Heat
from ...outputs.heat_csv import KNOWN, MEASURES
from ...plan import Plan
from ..loading import load_plan
from ..options import (
    Multiple,
    json_option,
    output_options,
    set_option,
    write,
)
from ..report import print_json

if TYPE_CHECKING:
    from ...train.profiling import Profile


@click.command()
@click.argument("spec", metavar="SPEC|RUN")
@set_option
@click.option(
    "--batch",
    type=click.IntRange(2),
    help="images of noise, of a spec: 8 if nothing is said",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="steps; the one of median time counts",
)
@output_options
@json_option
def profile(
    spec: str, overrides: Multiple, allow_outside: bool, batch: int | None,
    repeats: int, output: Path | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure each node in a training step on the CPU: seconds forward and backward, bytes kept for
    the backward pass, the root mean square of its output, the norm of the loss's gradient at it.

    A spec has fresh weights and images of noise, a run its own weights and images. `-o FILE.csv`
    writes what `render --paint FILE.csv:COLUMN` reads."""
    from ... import train

    asked: Plan | Path
    if not Path(spec, "run.json").is_file():
        asked = load_plan(spec, overrides, allow_outside=allow_outside)
    elif overrides or batch:
        option, has = (
            ("--set", "one") if overrides else ("--batch", "batches")
        )
        raise UsageError(
            f"{option} is for a spec: a run has the {has} it was trained with"
        )
    else:
        asked = Path(spec)
    found = train.profile(asked, batch=batch or 8, repeats=repeats)
    if output is not None:
        write(found.csv(), output, force=force)
    if as_json:
        print_json(found.document())
    elif output is None:
        click.echo(_table(found))


def _table(found: Profile) -> str:
    """A line for each row of the net, and the totals."""
    rows = by_key((name.partition(".")[0], name) for name in found.nodes)
    heats = [
        Heat(kind, found.values(kind), *KNOWN[kind]) for kind in MEASURES
    ]
    lines = [["row", *MEASURES]]
    lines += [[row, *_said(heats, names)] for row, names in rows.items()]
    added = [heat for heat in heats if heat.combine == "sum"]
    lines.append(["total", *_said(added, found.nodes)])
    wide = max(len(line[0]) for line in lines)
    text = [
        f"{row:<{wide}}" + "".join(f"{cell:>12}" for cell in cells)
        for row, *cells in lines
    ]
    return "\n".join([f"{found.name}: {found.about}", *text])


def _said(heats: Iterable[Heat], names: Collection[str]) -> list[str]:
    extents = [(heat, heat.of(names)) for heat in heats]
    return [
        heat.said(extent[0]) if extent else "" for heat, extent in extents
    ]
