"""`resgraph check`: specs → every mistake in them, what looks unmeant, and whether they keep what they expect."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import click

from ..errors import Diagnostic, Source, SpecError
from ..language.resolve import read_file, read_source, split_reference, variants_of
from ..language.spec import parse_spec
from ..outputs.numbers import count_text
from ..passes.lint import lint
from ..plan import Plan, plan_of
from .formats import github, sarif
from .options import json_option, set_option
from .report import diagnostic_data, print_json, report_diagnostics

_FORMATS = ("text", "json", "github", "sarif")


@dataclass(frozen=True, slots=True)
class Checked:
    """One net, or why there is none; and what in it looks unmeant."""

    reference: str
    plan: Plan | None
    problems: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...] = ()


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@set_option
@click.option("--strict", is_flag=True, help="fail on warnings too")
@click.option("--fix", is_flag=True, help="mend what has one certain fix, and show what was changed")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True)
@json_option
def check(
    specs: tuple[str, ...], overrides: tuple[str, ...], allow_outside: bool, strict: bool, fix: bool, form: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Check specs: every shape, and what each expects of itself.

    A file with variants is checked variant by variant. Warnings go by names that `allow:` in a spec silences.
    """
    if fix:
        from .fix import fix_files

        fix_files(specs, overrides, allow_outside, quiet=as_json or form != "text")
    checked = [net for spec in specs for net in check_nets(spec, overrides, allow_outside)]
    found = unique(chain.from_iterable((*net.problems, *net.warnings) for net in checked))
    failed = any(strict or d.severity == "error" for d in found)
    _print("json" if as_json else form, checked, found, ok=not failed)
    return 1 if failed else 0


def _print(form: str, checked: list[Checked], found: list[Diagnostic], *, ok: bool) -> None:
    if form == "json":
        diagnostics = [diagnostic_data(d) for d in found]
        print_json({"ok": ok, "nets": [_data(net) for net in checked], "diagnostics": diagnostics})
    elif form == "github":
        for diagnostic in found:
            click.echo(github(diagnostic))
    elif form == "sarif":
        print_json(sarif(found))
    else:
        for net in checked:
            if net.plan and not net.problems:
                click.echo(_line(net.reference, net.plan))
        if found:
            report_diagnostics(found, as_json=False)


def check_nets(
    reference: str, overrides: tuple[str, ...] = (), allow_outside: bool = False, source: Source | None = None
) -> list[Checked]:
    """The nets that a reference names: one, or each variant of a file. `source` stands in for the file's text."""
    path, variant = split_reference(reference)
    try:
        if source is None:
            tree, errors = read_file(path, allow_outside=allow_outside)
        else:
            tree, errors = read_source(source, path, allow_outside=allow_outside)
    except SpecError as problem:
        return [Checked(reference, None, problem.diagnostics)]
    names: list[str | None] = [variant] if variant else list(variants_of(tree)) or [None]
    out: list[Checked] = []
    for name in names:
        label = f"{path}::{name}" if name else str(path)
        try:
            plan = plan_of(parse_spec(tree, errors, name, overrides))
            out.append(Checked(label, plan, tuple(plan.unmet()), tuple(lint(plan.spec, plan.graph))))
        except SpecError as problem:
            out.append(Checked(label, None, problem.diagnostics))
    return out


def unique(found: chain[Diagnostic]) -> list[Diagnostic]:
    """What is wrong in each variant of a file is said once."""
    return list({(d.code, d.span, d.message): d for d in found}.values())


def _line(reference: str, plan: Plan) -> str:
    claims = plan.spec.expect.model_dump(exclude_none=True) if plan.spec.expect else {}
    kept = f"  as expected: {', '.join(claims)}" if claims else ""
    cost = f"{count_text(plan.params):>7} params  {count_text(plan.macs):>7} MACs  depth {plan.depth}"
    return f"ok  {reference}  {cost}{kept}"


def _data(net: Checked) -> dict[str, object]:
    if net.plan is None or net.problems:
        return {"spec": net.reference, "ok": False}
    plan = net.plan
    return {"spec": net.reference, "ok": True, "params": plan.params, "macs": plan.macs, "depth": plan.depth}
