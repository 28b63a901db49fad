"""A spec's name → its nets, a variant each, with the mistakes in them and what looks unmeant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import Diagnostic, Source, SpecError, in_order
from .language.lints import LINTS, unused_allow
from .language.references import Reference, locate
from .language.resolve import read_file, read_source, variants_of
from .language.spec import parse_spec
from .passes.lint import linted
from .plan import Plan, plan_of


@dataclass(frozen=True, slots=True)
class Checked:
    """One net, or why there is none; and the lints that it meets."""

    reference: str
    plan: Plan | None
    problems: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...] = ()


def check_nets(
    reference: str, overrides: tuple[str, ...] = (), allow_outside: bool = False, source: Source | None = None
) -> list[Checked]:
    """The nets that a reference names: one, or each variant of a file. `source` stands in for the text of a file.

    Raises `UsageError` for a variant that there is not.
    """
    asked = locate(reference) if source is None else Reference(Path(reference))
    variant = asked.variant
    try:
        if source is None:
            tree, errors = read_file(asked.path, allow_outside=allow_outside)
        else:
            tree, errors = read_source(source, asked.path, allow_outside=allow_outside)
    except SpecError as problem:
        return [Checked(reference, None, problem.diagnostics)]
    names: list[str | None] = list(variants_of(tree)) or [None] if variant is None else [variant]
    out: list[Checked] = []
    silenced: set[str] = set()
    for name in names:
        label = asked.label(name)
        try:
            plan = plan_of(parse_spec(tree, errors, name, overrides), strict=False)
            found = linted(plan.spec, plan.graph)
            silenced |= found.silenced
            unused = plan.spec.unused
            warnings = tuple(w for w in found.warnings if not unused or w.code != LINTS["dead-path"])  # said already
            out.append(Checked(label, plan, (*unused, *plan.unmet()), warnings))
        except SpecError as problem:
            out.append(Checked(label, None, problem.diagnostics))
    if variant is None and not overrides and all(net.plan for net in out):  # what one variant does not need, others may
        last = out[-1]
        out[-1] = replace(last, warnings=(*last.warnings, *unused_allow(tree, silenced)))
    return out


def found_in(nets: Iterable[Checked]) -> list[Diagnostic]:
    """The mistakes of all nets and then the warnings; what holds in each variant of a file is said once."""
    nets = list(nets)
    warnings = {d.identity: d for net in nets for d in net.warnings}
    return [*in_order(d for net in nets for d in net.problems), *warnings.values()]
