"""`resgraph check`: specs → every mistake in them, and whether they keep what they expect."""

from __future__ import annotations

from dataclasses import dataclass

import click

from ..errors import Diagnostic, SpecError
from ..language.resolve import read_file, split_reference, variants_of
from ..language.spec import parse_spec
from ..outputs.numbers import count_text
from ..plan import Plan, plan_of
from .options import json_option, set_option
from .report import diagnostic_data, print_json, report_diagnostics


@dataclass(frozen=True, slots=True)
class _Checked:
    """One net, or why there is none."""

    reference: str
    plan: Plan | None
    problems: tuple[Diagnostic, ...]


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@set_option
@json_option
def check(specs: tuple[str, ...], overrides: tuple[str, ...], allow_outside: bool, as_json: bool) -> int:
    """Check specs: every shape, and what each expects of itself.

    A file with variants is checked variant by variant.
    """
    checked = [net for spec in specs for net in _check(spec, overrides, allow_outside)]
    problems = _unique(checked)
    if as_json:
        print_json(
            {
                "ok": not problems,
                "nets": [_data(net) for net in checked],
                "diagnostics": [diagnostic_data(d) for d in problems],
            }
        )
    else:
        for net in checked:
            if net.plan and not net.problems:
                click.echo(_line(net.reference, net.plan))
        if problems:
            report_diagnostics(problems, as_json=False)
    return 1 if problems else 0


def _check(reference: str, overrides: tuple[str, ...], allow_outside: bool) -> list[_Checked]:
    """The nets that a reference names: one, or each variant of a file."""
    path, variant = split_reference(reference)
    try:
        tree, errors = read_file(path, allow_outside=allow_outside)
    except SpecError as problem:
        return [_Checked(reference, None, problem.diagnostics)]
    names: list[str | None] = [variant] if variant else list(variants_of(tree)) or [None]
    out: list[_Checked] = []
    for name in names:
        label = f"{path}::{name}" if name else str(path)
        try:
            plan = plan_of(parse_spec(tree, errors, name, overrides))
            out.append(_Checked(label, plan, tuple(plan.unmet())))
        except SpecError as problem:
            out.append(_Checked(label, None, problem.diagnostics))
    return out


def _unique(checked: list[_Checked]) -> list[Diagnostic]:
    """The problems of all nets; what is wrong in each variant of a file is said once."""
    found = {(d.code, d.span, d.message): d for net in checked for d in net.problems}
    return list(found.values())


def _line(reference: str, plan: Plan) -> str:
    claims = plan.spec.expect.model_dump(exclude_none=True) if plan.spec.expect else {}
    kept = f"  as expected: {', '.join(claims)}" if claims else ""
    cost = f"{count_text(plan.params):>7} params  {count_text(plan.macs):>7} MACs  depth {plan.depth}"
    return f"ok  {reference}  {cost}{kept}"


def _data(net: _Checked) -> dict[str, object]:
    if net.plan is None or net.problems:
        return {"spec": net.reference, "ok": False}
    plan = net.plan
    return {"spec": net.reference, "ok": True, "params": plan.params, "macs": plan.macs, "depth": plan.depth}
