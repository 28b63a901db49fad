"""`resgraph sweep`: a study → its runs, and a table that says what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...collecting import present
from ...counting import counted
from ...errors import UsageError
from ...outputs.numbers import count_text
from ..options import Multiple, json_option
from ..report import print_json
from ..training import options_from, run_options

if TYPE_CHECKING:
    from ...study.plan import PlannedNet
    from ...study.schema import Study
    from ...train import Options


@click.command()
@click.argument("study", type=click.Path(path_type=Path), metavar="STUDY")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="the directory of the study: its runs, table and pictures",
)
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="print what would run and how long it may take, and train nothing",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="runs at a time, a GPU each where there are some",
)
@click.option(
    "--cluster",
    metavar="ADDRESS|FILE.yaml",
    help="make the runs on a Dask cluster: a scheduler's address, or where workers come from",
)
@click.option(
    "--partial",
    is_flag=True,
    help="write the table although runs are missing",
)
@click.option(
    "--pictures",
    "kinds",
    type=click.Choice(["svg", "pdf", "png"]),
    multiple=True,
    default=("svg",),
    show_default=True,
    help="kinds of picture; repeat for several",
)
@run_options("train")
@json_option
def sweep(
    study: Path, output: Path | None, plan_only: bool, jobs: int, cluster: str | None,
    partial: bool, kinds: Multiple, as_json: bool, **settings: Any,
) -> None:  # fmt: skip
    """Compare nets over seeds: equal budgets, mean and deviation, differences paired by seed.

    The same command goes on after whatever ended it; nothing runs twice."""
    from ...study.schema import load_study

    if cluster and jobs > 1:
        raise UsageError(
            "--jobs is of this machine: a cluster makes as many runs at a time as it has workers"
        )
    # workers elsewhere are told whole paths
    where = study.resolve() if cluster else study
    loaded = load_study(where)
    options = options_from(settings)
    if plan_only:
        _tell(loaded, jobs, options, as_json=as_json)
        return
    if output is None:
        raise UsageError("give -o DIR, where the runs and the table go")
    from ...study.report import document, text
    from ...study.sweep import sweep as run

    results = run(
        loaded,
        output.resolve() if cluster else output,
        options,
        count=jobs,
        cluster=cluster,
        partial=partial,
        kinds=kinds,
        say=lambda line: click.echo(line, err=True),
    )
    if as_json:
        print_json(document(results))
    else:
        click.echo(f"{text(results)}\n{output}: {_files(loaded, kinds)}")


def _files(study: Study, kinds: Multiple) -> str:
    """What stands in the directory of a study, besides its runs."""
    from ...study.figures import pictures
    from ...study.report import FORMS

    drawn = [f"{name}.{kind}" for name in pictures(study) for kind in kinds]
    return ", ".join([*FORMS, *drawn])


def _tell(
    study: Study, jobs: int, options: Options, *, as_json: bool
) -> None:
    """What would run."""
    from ... import train
    from ...study.equals import equal_nets, equality_told
    from ...study.plan import points
    from ...study.times import MOST_MEASURED, run_seconds

    nets = points(study)
    equal = equal_nets(nets)
    seeds = study.seeds
    seconds = run_seconds(
        nets, lambda plan: train.forecast(plan, options=options).seconds
    )
    if as_json:
        rows = [
            {**net.row, "seconds_a_run": took}
            for net, took in zip(nets, seconds, strict=True)
        ]
        runs = len(nets) * len(seeds)
        print_json(
            {"nets": rows, "seeds": seeds, "runs": runs, "equal": equal}
        )
        return
    for line in _nets(nets, seconds):
        click.echo(line)
    if len(nets) > MOST_MEASURED:
        click.echo(
            f"the times of {MOST_MEASURED} nets were measured, the others are by multiply-adds"
        )
    known = present(seconds)
    whole = (
        sum(known) * len(seeds) / jobs if len(known) == len(nets) else None
    )
    whole_runs = _runs(len(nets), len(seeds))
    click.echo(f"{whole_runs}, {_span(whole)} in all; {study.measure}")
    for names in equal:
        click.echo(f"note: {equality_told(names)}")


def _nets(
    nets: Sequence[PlannedNet], seconds: Sequence[float | None]
) -> Iterator[str]:
    """A line for each net, with what it costs."""
    wide = max((len(net.name) for net in nets), default=0)
    for net, took in zip(nets, seconds, strict=True):
        params = count_text(net.plan.params)
        macs = count_text(net.plan.macs)
        cost = f"{params:>7} params  {macs:>7} MACs"
        yield f"{net.name:<{wide}}  {cost}  {_span(took)} a run"


def _runs(nets: int, seeds: int) -> str:
    """`3 nets x 2 seeds = 6 runs`."""
    of = f"{counted(nets, 'net')} x {counted(seeds, 'seed')}"
    return f"{of} = {counted(nets * seeds, 'run')}"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "an unknown time"
    from ...train.estimate import span

    return f"~ {span(seconds)}"
