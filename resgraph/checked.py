"""A spec's name → its nets, a variant each, with the mistakes in them and what looks unmeant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import Diagnostic, Related, Source, SpecError, in_order
from .language.extends import read_file, read_source
from .language.lints import LINTS, unused_allow
from .language.references import Reference, locate
from .language.spec import Spec, parse_spec
from .language.variants import variants_of
from .passes.lint import linted
from .passes.unread import unread
from .plan import Plan, plan_of

_PLACES = 6  # that are shown of one mistake of several nets


@dataclass(frozen=True, slots=True)
class Checked:
    """One net, or why there is none; and the lints that it meets."""

    reference: str
    plan: Plan | None
    problems: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...] = ()


def check_nets(
    reference: str,
    overrides: tuple[str, ...] = (),
    allow_outside: bool = False,
    source: Source | None = None,
) -> list[Checked]:
    """The nets that a reference names: one, or each variant of a file, whose text `source` may be.

    Raises `UsageError` for a variant that there is not."""
    asked = locate(reference) if source is None else Reference(Path(reference))
    variant = asked.variant
    try:
        if source is None:
            tree, errors = read_file(asked.path, allow_outside=allow_outside)
        else:
            tree, errors = read_source(source, asked.path, allow_outside=allow_outside)
    except SpecError as problem:
        return [Checked(reference, None, problem.diagnostics)]
    names: list[str | None] = (
        list(variants_of(tree)) or [None] if variant is None else [variant]
    )
    out: list[Checked] = []
    specs: list[Spec | None] = []
    silenced: set[str] = set()
    for name in names:
        spec = None
        try:
            spec = parse_spec(tree, errors, name, overrides)
            out.append(_checked(asked.label(name), spec, silenced))
        except SpecError as problem:
            out.append(Checked(asked.label(name), None, problem.diagnostics))
        specs.append(spec)
    out = _unread(_set_apart(out, specs), whole=variant is None)
    # what one variant does not need, others may
    if variant is None and not overrides and all(net.plan for net in out):
        last = out[-1]
        out[-1] = replace(
            last, warnings=(*last.warnings, *unused_allow(tree, silenced))
        )
    return out


def _checked(label: str, spec: Spec, silenced: set[str]) -> Checked:
    """One net with its mistakes and warnings; what `allow:` silenced goes into `silenced`."""
    plan = plan_of(spec, strict=False)
    found = linted(plan.spec, plan.graph)
    silenced |= found.silenced
    unused = plan.spec.unused
    # what nothing uses says already that a path is dead
    warnings = tuple(
        w for w in found.warnings if not unused or w.code != LINTS["dead-path"]
    )
    return Checked(label, plan, (*unused, *plan.unmet()), warnings)


def _set_apart(nets: list[Checked], specs: list[Spec | None]) -> list[Checked]:
    """The nets of a file; a mistake that not all of them have is told with what its net sets apart
    from the file."""
    times = Counter(
        place for net in nets for place in {(d.code, d.span) for d in net.problems}
    )
    shared = {place for place, count in times.items() if 1 < count == len(nets)}
    out = []
    for net, spec in zip(nets, specs, strict=True):
        own = (
            spec.with_setters(d) if spec and (d.code, d.span) not in shared else d
            for d in net.problems
        )
        out.append(replace(net, problems=tuple(own)))
    return out


def _unread(nets: list[Checked], *, whole: bool) -> list[Checked]:
    """The nets with what they say of ops that they have not; of a whole file, what no variant
    has."""
    plans = [net.plan for net in nets if net.plan]
    found = iter(
        unread(
            [(plan.spec, plan.graph) for plan in plans],
            alone=not whole or len(plans) < len(nets),
        )
    )
    return [
        replace(net, problems=(*net.problems, *next(found))) if net.plan else net
        for net in nets
    ]


def found_in(nets: Iterable[Checked]) -> list[Diagnostic]:
    """The mistakes of all nets and then the warnings; what holds in each variant of a file is said
    once."""
    nets = list(nets)
    warnings = {d.identity: d for net in nets for d in net.warnings}
    problems = [d for net in nets for d in net.problems]
    places: dict[
        object, dict[Related, None]
    ] = {}  # of one mistake, in each net that has it
    for d in problems:
        places.setdefault(d.identity, {}).update(dict.fromkeys(d.related))
    told = [
        replace(
            d, related=tuple(places.get(d.identity, ()))[: max(_PLACES, len(d.related))]
        )
        for d in in_order(problems)
    ]
    return [*told, *warnings.values()]
