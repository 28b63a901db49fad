"""A spec's name → its nets, a variant each, with the mistakes in them and what looks unmeant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from .collecting import flatten
from .errors import Diagnostic, Related, Source, SpecError, in_order
from .garbage import nothing_collected
from .language.extends import read_file, read_source
from .language.lints import LINTS, unused_allow
from .language.references import Reference, locate
from .language.spec import Spec, parse_spec
from .language.variants import variants_of
from .passes.lint import linted
from .passes.unread import unread
from .plan import Plan, plan_of
from .structs import Frozen

_PLACES = 6  # that are shown of one mistake of several nets


class Checked(Frozen):
    """One net, or why there is none; and the lints that it meets."""

    reference: str
    plan: Plan | None
    problems: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...] = ()


class FileCheck:
    """The nets that a reference names: one, or each variant of a file, whose text `source` may be.
    Each is checked when it is first asked for.

    Raises `UsageError` for a variant that there is not."""

    def __init__(
        self,
        reference: str,
        overrides: tuple[str, ...] = (),
        allow_outside: bool = False,
        source: Source | None = None,
    ) -> None:
        asked = (
            locate(reference)
            if source is None
            else Reference(Path(reference))
        )
        self.asked, self.overrides = asked, overrides
        self.variants: list[str | None] = []
        self._made: dict[str | None, tuple[Checked, Spec | None]] = {}
        self._silenced: set[str] = set()
        try:
            if source is None:
                read = read_file(asked.path, allow_outside=allow_outside)
            else:
                read = read_source(
                    source, asked.path, allow_outside=allow_outside
                )
        except SpecError as problem:
            self._made[None] = (
                Checked(reference, None, problem.diagnostics),
                None,
            )
            return
        self._tree, self._errors = read
        names = (
            variants_of(self._tree)
            if asked.variant is None
            else [asked.variant]
        )
        self.variants = [*names] or [None]

    def net(self, name: str | None) -> Checked:
        """The net of a variant, as far as it can be told without the others."""
        if name not in self._made:
            label, spec = self.asked.label(name), None
            try:
                spec = parse_spec(
                    self._tree, self._errors, name, self.overrides
                )
                made = _checked(label, spec, self._silenced)
            except SpecError as problem:
                made = Checked(label, None, problem.diagnostics)
            self._made[name] = made, spec
        return self._made[name][0]

    def nets(self) -> list[Checked]:
        """All of them, with what holds of the whole file."""
        if not self.variants:
            return [self._made[None][0]]
        with nothing_collected():
            nets = [*map(self.net, self.variants)]
        specs = [self._made[name][1] for name in self.variants]
        whole = self.asked.variant is None
        out = _unread(_set_apart(nets, specs), whole=whole)
        # what one variant does not need, others may
        if whole and not self.overrides and all(net.plan for net in out):
            last, idle = out[-1], unused_allow(self._tree, self._silenced)
            out[-1] = replace(last, warnings=(*last.warnings, *idle))
        return out


def check_nets(
    reference: str,
    overrides: tuple[str, ...] = (),
    allow_outside: bool = False,
    source: Source | None = None,
) -> list[Checked]:
    """The nets that a reference names, as `FileCheck` has them."""
    return FileCheck(reference, overrides, allow_outside, source).nets()


def _checked(label: str, spec: Spec, silenced: set[str]) -> Checked:
    """One net with its mistakes and warnings; what `allow:` silenced goes into `silenced`."""
    plan = plan_of(spec, strict=False)
    found = linted(plan.spec, plan.graph)
    silenced |= found.silenced
    unused = plan.spec.unused
    # what nothing uses says already that a path is dead
    warnings = tuple(
        w
        for w in found.warnings
        if not unused or w.code != LINTS["dead-path"]
    )
    return Checked(label, plan, (*unused, *plan.unmet()), warnings)


def _set_apart(
    nets: list[Checked], specs: list[Spec | None]
) -> list[Checked]:
    """The nets of a file; a mistake that not all of them have is told with what its net sets apart
    from the file."""
    times = Counter(
        flatten({(d.code, d.span) for d in net.problems} for net in nets)
    )
    shared = {
        place for place, count in times.items() if 1 < count == len(nets)
    }
    out = []
    for net, spec in zip(nets, specs, strict=True):
        own = (
            spec.with_setters(d)
            if spec and (d.code, d.span) not in shared
            else d
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
        replace(net, problems=(*net.problems, *next(found)))
        if net.plan
        else net
        for net in nets
    ]


def found_in(nets: Iterable[Checked]) -> list[Diagnostic]:
    """The mistakes of all nets and then the warnings; what holds in each variant of a file is said
    once."""
    nets = list(nets)
    warnings = {d.identity: d for net in nets for d in net.warnings}
    problems = [*flatten(net.problems for net in nets)]
    # of one mistake, in each net that has it
    places: dict[object, dict[Related, None]] = {}
    for d in problems:
        places.setdefault(d.identity, {}).update(dict.fromkeys(d.related))
    told = [
        replace(
            d,
            related=tuple(places.get(d.identity, ()))[
                : max(_PLACES, len(d.related))
            ],
        )
        for d in in_order(problems)
    ]
    return [*told, *warnings.values()]
