"""`resgraph resume`: a run directory → the same run, resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...errors import RunError
from ..loading import load_plan
from ..options import Multiple, json_option
from ..training import (
    options_from,
    print_result,
    reporter,
    run_argument,
    run_options,
)


@click.command()
@run_argument
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="as in --set train.epochs=40",
)
@click.option(
    "--allow-change",
    is_flag=True,
    help="resume although the recipe has changed",
)
@run_options("train")
@json_option
def resume(
    run: Path,
    overrides: Multiple,
    allow_change: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Resume a run to the end of its recipe, bit for bit; more epochs extend a finished one."""
    from ... import train
    from ...train.run.directory import read_facts

    spec = run / "spec.yaml"
    if overrides:
        # what is no run is told so, and not what its spec.yaml lacks
        read_facts(run)
    if overrides and not spec.is_file():
        raise RunError(
            f"{run} has no spec.yaml that --set could change; take it from a copy"
        )
    plan = load_plan(spec, overrides) if overrides else None
    options = options_from(settings, allow_change=allow_change)
    result = train.resume(
        run, plan=plan, options=options, reporter=reporter(quiet=as_json)
    )
    print_result(result, as_json=as_json)
