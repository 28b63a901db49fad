"""A spec and its graph → the claims of `expect` that do not hold, and where the net does not fit
its recipe's data."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

from ..errors import Diagnostic, Span, fault
from ..graph import Graph
from ..language.spec import Spec
from ..ops import shape_text
from .reasons import usual_reasons

if TYPE_CHECKING:
    from ..language.recipe import Train


def _outputs(graph: Graph) -> str:
    shapes = (shape_text(graph.shape(output.node)) for output in graph.main)
    return ", ".join(shapes)


MEASURES: dict[str, Callable[[Graph], int | str]] = {
    "params": attrgetter("cost.params"),
    "macs": attrgetter("cost.macs"),
    "depth": attrgetter("depth"),
    "output": _outputs,
}
"""What can be claimed of a net, and how it is measured."""


def unmet(spec: Spec, graph: Graph) -> list[Diagnostic]:
    """One E050 for each claim that the graph does not keep, with the difference and the usual
    reason; E051 for data."""
    unfit = _unfit(spec, graph, spec.train) if spec.train else []
    return [*_broken_claims(spec, graph), *map(spec.setters.named, unfit)]


def _unfit(spec: Spec, graph: Graph, train: Train) -> list[Diagnostic]:
    from .data_fit import unfit  # most nets have no recipe
    from .loss_fit import unfit_loss
    from .recipe_fit import unfit_recipe

    return [
        *unfit(spec, graph, train),
        *unfit_recipe(spec, graph, train),
        *unfit_loss(spec, graph, train),
    ]


def _broken_claims(spec: Spec, graph: Graph) -> list[Diagnostic]:
    if spec.expect is None:
        return []
    measured = {
        claim: measure(graph) for claim, measure in MEASURES.items()
    }
    claims = spec.expect.claims()
    broken = {
        claim: expected
        for claim, expected in claims.items()
        if str(expected) != str(measured[claim])
    }
    reasons = usual_reasons(spec, graph, broken, MEASURES)
    keys = [*filter(None, ("expect", spec.variant))]
    return [
        _broken(
            claim,
            expected,
            measured[claim],
            spec.place(*keys, claim),
            reasons.get(claim, ""),
        )
        for claim, expected in broken.items()
    ]


def _apart(expected: int, value: int) -> str:
    """By what share a count is missed, or how many times where it is another kind of number; "" of
    next to nothing."""
    if expected <= 0 or value <= 0:
        return ""
    times = max(expected, value) / min(expected, value)
    share = abs(value - expected) / expected
    if times >= 10:
        return f", {float(f'{times:.2g}'):,.0f} times {'as many' if value > expected else 'fewer'}"
    return (
        f", {share:.2%} {'more' if value > expected else 'less'}"
        if share >= 0.0001
        else ""
    )


def _several(shapes: object) -> str:
    """Several outputs, as a sentence has them; "" of one."""
    count = 1 + str(shapes).count(", ")
    return f"{count} outputs ({shapes})" if count > 1 else ""


def _broken(
    claim: str,
    expected: int | str,
    value: int | str,
    place: Span,
    reason: str,
) -> Diagnostic:
    """E050: what was claimed, what is, and the difference."""
    if isinstance(expected, int) and isinstance(value, int):
        what, given = (
            ("a depth of ", "") if claim == "depth" else ("", f" {claim}")
        )
        apart = "" if what else _apart(expected, value)
        message = (
            f"expected {what}{expected:,}{given}, the net has {value:,}"
            f" ({value - expected:+,}{apart})"
        )
    else:
        wanted = _several(expected) or f"an output of {expected}"
        message = (
            f"expected {wanted}, the net has {_several(value) or value}"
        )
    return fault("E050", message, place, reason).diagnostic
