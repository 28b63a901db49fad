"""`resgraph check`: specs → every mistake in them, what looks unmeant, and whether they keep what
they expect."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click

from ...checked import Checked, check_nets, found_in
from ...collecting import flatten, keyed
from ...errors import Diagnostic, UsageError, needing
from ...garbage import nothing_collected
from ...language.references import locate
from ...language.spec import is_study_file
from ...language.yaml.reader import LIMITS, decode
from ...mending import verified_in
from ...outputs.numbers import count_text
from ...plan import Plan
from ..formats import github, sarif
from ..loading import (
    is_model,
    model_source,
    note,
    note_void,
    overrides_of_each,
)
from ..options import (
    Multiple,
    json_option,
    one_format,
    set_option,
    specs_argument,
)
from ..report import diagnostic_data, print_json, report_diagnostics

_FORMATS = ("text", "json", "github", "sarif")


@click.command()
@specs_argument
@set_option
@click.option("--strict", is_flag=True, help="fail on warnings too")
@click.option(
    "--fix",
    is_flag=True,
    help="mend what has one certain fix, and show what was changed",
)
@click.option(
    "--prove",
    is_flag=True,
    help="run the module once, without numbers: is it the graph that is drawn?",
)
@click.option(
    "--module",
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="prove an exported model.py, which is executed, in place of the spec's own module",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
)
@json_option
def check(
    specs: Multiple, overrides: Multiple, allow_outside: bool, strict: bool,
    fix: bool, prove: bool, module: Path | None, form: str, as_json: bool,
) -> int:  # fmt: skip
    """Check specs: every shape, and what each expects of itself; and studies, net by net.

    A file with variants is checked variant by variant; `-` reads a spec from stdin; of a model that
    exists (`timm:resnet50`), the spec that import makes is checked. Warnings go by
    names that `allow:` in a spec silences."""
    form = one_format(form, as_json=as_json)
    each = overrides_of_each(specs, overrides, allow_outside=allow_outside)
    own = dict(zip(specs, each, strict=True))
    studies = _studies(specs, overrides)
    files = _files(own, studies)
    if fix:
        _all_filed(specs)
        from ..fix import fix_files

        fix_files(files, allow_outside, quiet=form != "text")
    checked = _nets(specs, own, studies, allow_outside)
    plans = [net.plan for net in checked if net.plan]
    note_void([plan.spec for plan in plans])
    found = verified_in(found_in(checked), files, allow_outside)
    differs = (prove or module) and _differs(plans, module)
    wrong = any(strict or d.severity == "error" for d in found)
    failed = bool(differs or wrong)
    _print(form, checked, found, ok=not failed)
    return int(failed)


def _differs(plans: list[Plan], module: Path | None) -> bool:
    """Whether a module is not the graph that is drawn, which is said."""
    if not plans:  # of wrong specs, which are told
        return False
    if module and len(plans) != 1:
        raise UsageError(
            f"`--module` is for one net, and {len(plans)} are checked"
        )
    with needing("`--prove` needs PyTorch", "train"):
        from ...outputs.pytorch.agreement import disagreements
    found = [(plan, disagreements(plan, module)) for plan in plans]
    for plan, wrong in found:
        nodes = len(plan.graph.nodes) - len(plan.graph.inputs)
        more = [f"and {len(wrong) - 5} more"] if len(wrong) > 5 else []
        for line in [*wrong[:5], *more]:
            note("differs", f"{plan.name}: {line}")
        if not wrong:
            note("proven", f"{plan.name}: {nodes} nodes, as they are drawn")
    return any(wrong for _, wrong in found)


def _studies(specs: Multiple, overrides: Multiple) -> set[str]:
    """Those of the files that are studies. Raises `UsageError` where `--set` would change one."""
    found = {
        spec for spec in specs if spec != "-" and is_study_file(Path(spec))
    }
    if found and overrides:
        raise UsageError(
            "a study says what is set: write it under its key `set`"
        )
    return found


def _files(
    own: dict[str, Multiple], studies: set[str]
) -> dict[Path, Multiple]:
    """The files of specs that may be mended, with what is set in each."""
    specs = (
        spec for spec in own if spec not in studies and not is_model(spec)
    )
    places = keyed(locate, specs)
    return {
        place.path: own[spec]
        for spec, place in places.items()
        if not place.zoo
    }


def _all_filed(specs: Multiple) -> None:
    """Raises `UsageError` where one is no file."""
    for spec in specs:
        if spec == "-" or is_model(spec):
            raise UsageError(f"`--fix` mends files, and `{spec}` is none")


def _nets(
    specs: Multiple,
    overrides: dict[str, Multiple],
    studies: set[str],
    allow_outside: bool,
) -> list[Checked]:
    piped = {"-": decode(_stdin(), "-")} if "-" in specs else {}
    piped |= {spec: model_source(spec) for spec in specs if is_model(spec)}
    with nothing_collected():
        nets = [
            *flatten(
                _study_nets(Path(spec))
                if spec in studies
                else check_nets(
                    spec, overrides[spec], allow_outside, piped.get(spec)
                )
                for spec in specs
            )
        ]
        # they stay to the end of the process, and are never searched
        gc.freeze()
    return nets


def _study_nets(study: Path) -> list[Checked]:
    from ...study.checked import check_study  # a spec needs none of it

    return check_study(study)


def _stdin() -> bytes:
    """What is piped in, up to where it is too long for a spec."""
    if sys.stdin is None:
        raise UsageError(
            "`-` is stdin, and that is closed: pipe a spec into it, or name a file"
        )
    return sys.stdin.buffer.read(LIMITS.size + 1)


def _print(
    form: str, checked: list[Checked], found: list[Diagnostic], *, ok: bool
) -> None:
    if form == "json":
        diagnostics = [*map(diagnostic_data, found)]
        print_json(
            {
                "ok": ok,
                "nets": [*map(_data, checked)],
                "diagnostics": diagnostics,
            }
        )
    elif form == "github":
        for diagnostic in found:
            click.echo(github(diagnostic))
    elif form == "sarif":
        print_json(sarif(found))
    else:
        _print_text(checked, found)


def _print_text(checked: list[Checked], found: list[Diagnostic]) -> None:
    for net in checked:
        if net.plan and not net.problems:
            click.echo(_line(net.reference, net.plan))
    if found:
        report_diagnostics(found, as_json=False)
        fixable = sum(bool(d.edits) for d in found)
        if fixable:
            click.echo(
                f"`resgraph check --fix` mends {fixable} of them", err=True
            )


def _line(reference: str, plan: Plan) -> str:
    claims = plan.spec.expect.claims() if plan.spec.expect else {}
    kept = f"  as expected: {', '.join(claims)}" if claims else ""
    params = count_text(plan.params)
    macs = count_text(plan.macs)
    cost = f"{params:>7} params  {macs:>7} MACs  depth {plan.depth}"
    return f"ok  {reference}  {cost}{kept}"


def _data(net: Checked) -> dict[str, object]:
    if net.plan is None or net.problems:
        return {"spec": net.reference, "ok": False}
    plan = net.plan
    return {
        "spec": net.reference,
        "ok": True,
        "params": plan.params,
        "macs": plan.macs,
        "depth": plan.depth,
    }
