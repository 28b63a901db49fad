"""Spec and Graph → warnings: what is legal and, by the literature, rarely meant. Each can be
silenced by `allow:`."""

from __future__ import annotations

from collections import ChainMap
from importlib import import_module
from operator import attrgetter
from pkgutil import iter_modules
from typing import Any

from ...errors import Diagnostic, Related
from ...graph import Graph, Origin
from ...language.lints import LINTS, allowed
from ...language.spec import Spec
from ...structs import Frozen
from .findings import Facts, Finding, Lint


class Linted(Frozen):
    """The warnings of a net in the order of their places, one for each place, and the names of
    those kept silent."""

    warnings: tuple[Diagnostic, ...]
    silenced: frozenset[str]


def lint(spec: Spec, graph: Graph) -> list[Diagnostic]:
    """The warnings of a net that its spec does not allow."""
    return list(linted(spec, graph).warnings)


def linted(spec: Spec, graph: Graph) -> Linted:
    """What in a net looks unmeant; what the spec allows is only named."""
    silent, silenced, facts = allowed(spec.tree), set(), Facts(spec, graph)
    found: dict[Any, Diagnostic] = {}
    for name, check in _CHECKS.items():
        for finding in check(facts):
            if name in silent:
                silenced.add(name)
                break
            warning = _warning(name, finding)
            found.setdefault((warning.code, warning.span), warning)
    in_order = sorted(found.values(), key=attrgetter("span.start"))
    return Linted(tuple(in_order), frozenset(silenced))


def _warning(name: str, finding: Finding) -> Diagnostic:
    """What a lint found, where the spec's author can act."""
    origin = _in_spec(finding.origin)
    outer = [call for call in reversed(origin.calls) if call != origin.span]
    calls = tuple(Related(call, "called here") for call in outer)
    allow = f"`allow: [{name}]` in the spec silences this"
    notes = tuple(filter(None, [finding.labels, finding.note, allow]))
    said, code = finding.said, LINTS[name]
    return Diagnostic(
        code, said, origin.span, "", notes, finding.hint, calls
    )


def _in_spec(origin: Origin) -> Origin:
    """The place where the spec's author can act: of what came with resgraph (a block of the
    library), its call."""
    calls = origin.calls
    while calls and origin.span.source.ours:
        origin, calls = Origin(calls[-1], calls[:-1]), calls[:-1]
    return origin


def _checks() -> dict[str, Lint]:
    """Each lint by its name: `odd-width` is the function `odd_width` of a file in this folder."""
    files = [
        import_module(f"{__name__}.{file.name}")
        for file in iter_modules(__path__)
    ]
    functions = ChainMap(*map(vars, files))
    keys = {name: name.replace("-", "_") for name in LINTS}
    return {
        name: functions[key]
        for name, key in keys.items()
        if key in functions
    }


_CHECKS = _checks()
