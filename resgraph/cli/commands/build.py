"""`resgraph build`: a spec → a trained net in a run directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from ...errors import SpecError, UsageError
from ...plan import Plan
from ..loading import load_plan, note_void
from ..options import (
    Finite,
    Multiple,
    json_option,
    set_option,
    spec_argument,
)
from ..report import is_first, print_json
from ..training import options_from, print_result, reporter, run_options

if TYPE_CHECKING:
    from ...train.estimate import Forecast


@click.command()
@spec_argument
@set_option
@click.option(
    "-o",
    "--output",
    type=click.Path(readable=False, path_type=Path),
    metavar="DIR",
    help="the run directory [runs/NAME-N]",
)
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="print what would be used and why, and train nothing",
)
@click.option(
    "--auto-resume",
    is_flag=True,
    help="resume the run at -o if there is one, else begin",
)
@click.option("--force", is_flag=True, help="replace an older run at -o")
@click.option(
    "--minutes",
    type=Finite(0, min_open=True),
    help="stop there, evaluated and saved; `resume` goes on",
)
@run_options("train")
@json_option
def build(
    spec: str, overrides: Multiple, allow_outside: bool, output: Path | None,
    plan_only: bool, auto_resume: bool, force: bool, as_json: bool, **settings: Any,
) -> None:  # fmt: skip
    """Check a spec, compile it, draw it and train it, in a run directory that holds all there is to
    know."""
    plan = load_plan(spec, overrides, allow_outside=allow_outside)
    _ready(plan, spec)
    from ... import train

    options = options_from(settings, force=force)
    if plan_only:
        _tell(train.forecast(plan, options=options), as_json=as_json)
        return
    if auto_resume and output is None:
        raise UsageError("--auto-resume needs -o DIR, the run to resume")
    result = train.build(
        plan,
        out=output,
        options=options,
        reporter=reporter(quiet=as_json),
        auto_resume=auto_resume,
    )
    print_result(result, as_json=as_json)


def _tell(forecast: Forecast, *, as_json: bool) -> None:
    if not is_first():
        return
    if as_json:
        reasons = [
            dict(zip(("what", "choice", "why"), reason, strict=True))
            for reason in forecast.reasons
        ]
        print_json({**asdict(forecast), "reasons": reasons})
    else:
        click.echo(forecast.text())


def _ready(plan: Plan, reference: str) -> None:
    """A spec that breaks its own claims, or says nothing of training, is not trained."""
    note_void([plan.spec])
    broken = plan.unmet()
    if broken:
        raise SpecError(map(plan.spec.with_setters, broken))
    if plan.spec.train is None:
        raise UsageError(
            f"{reference} has no `train:`; add `train: digits`, or give `--set train=digits`"
        )
