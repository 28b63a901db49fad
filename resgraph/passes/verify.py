"""A spec's `expect` and its graph → the claims that do not hold, each with the difference."""

from __future__ import annotations

from ..errors import Diagnostic, fault
from ..graph import Graph
from ..language.spec import Spec
from ..ops import shape_text


def unmet(spec: Spec, graph: Graph) -> list[Diagnostic]:
    """One E050 for each claim that the graph does not keep."""
    if spec.expect is None:
        return []
    last = graph.nodes[graph.output]
    cost = graph.cost
    measured: dict[str, int | str] = {
        "params": cost.params, "macs": cost.macs, "depth": last.depth, "output": shape_text(last.shape),
    }  # fmt: skip
    out: list[Diagnostic] = []
    for claim, value in measured.items():
        expected = getattr(spec.expect, claim)
        if expected is None or str(expected) == str(value):
            continue
        keys = ("expect", spec.variant, claim) if spec.variant else ("expect", claim)
        out.append(_broken(claim, expected, value, spec.place(*keys)))
    return out


def _broken(claim: str, expected: int | str, value: int | str, place: object) -> Diagnostic:
    if isinstance(expected, int) and isinstance(value, int):
        difference = value - expected
        share = f", {abs(difference) / expected:.2%} {'more' if difference > 0 else 'less'}" if expected else ""
        message = f"expected {expected:,} {claim}, the net has {value:,} ({difference:+,}{share})"
    else:
        message = f"expected an {claim} of {expected}, the net has {value}"
    return fault("E050", message, place).diagnostic  # type: ignore[arg-type]
