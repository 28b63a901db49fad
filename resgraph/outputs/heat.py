"""A number for each node → what a figure is painted with; the numbers that need no run: parameters,
multiply-adds, memory, receptive field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from ..graph import Graph
from ..passes.memory import kept_numbers
from ..passes.receptive_field import receptive_fields
from ..structs import Frozen
from .numbers import count_text

Combine = Literal["sum", "last", "range"]
Extent = tuple[float, float]
"""The least and the greatest of some values."""


class Heat(Frozen):
    """A number for each node, which colours it; a node without one is drawn without a colour.

    `combine` says what several nodes that are drawn as one have: their `sum`, what the `last` of
    them has, or the `range` of theirs. `unit` is "", "s", "B" or "px"; infinite is what sees the
    whole input. `note` says how they came about."""

    name: str
    values: Mapping[str, float]
    unit: str = ""
    combine: Combine = "sum"
    note: str = ""

    def of(self, nodes: Iterable[str]) -> Extent | None:
        """What some nodes have together; None where none has a number."""
        found = [self.values[name] for name in nodes if name in self.values]
        if not found:
            return None
        if self.combine == "range":
            return min(found), max(found)
        value = math.fsum(found) if self.combine == "sum" else found[-1]
        return value, value

    def said(self, value: float) -> str:
        """A value as a figure writes it: `9.54 k`, `1.20 ms`, `401 kB`, `3.1e−5`; pixels without
        their unit, which the legend has."""
        if math.isinf(value):
            return "whole"
        return _SAID.get(self.unit, _number)(value)


def _number(value: float) -> str:
    size = abs(value)
    if size >= 1000:
        return ("−" if value < 0 else "") + count_text(round(size))
    if 0 < size < 0.001:
        digits, _, power = f"{value:.1e}".partition("e")
        text = f"{digits}e{int(power)}"
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−")


def _seconds(value: float) -> str:
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next(
        (each for each in units if value >= 0.9995 * each[1]), units[-1]
    )
    shown = value / size
    digits = 2 if shown < 9.995 else 1 if shown < 99.95 else 0
    return f"{shown:.{digits}f} {unit}" if value else "0 s"


def _bytes(value: float) -> str:
    return (
        f"{count_text(round(value))}B"
        if value >= 1000
        else f"{value:.0f} B"
    )


_SAID: dict[str, Callable[[float], str]] = {
    "s": _seconds,
    "B": _bytes,
    "px": lambda value: f"{value:.0f}",
}


def _cost(graph: Graph, kind: str) -> dict[str, float]:
    return {
        name: getattr(node.cost, kind) for name, node in graph.nodes.items()
    }


def _params(graph: Graph) -> Heat:
    return Heat("parameters", _cost(graph, "params"))


def _macs(graph: Graph) -> Heat:
    return Heat(
        "MACs", _cost(graph, "macs"), note="multiply-adds of an image"
    )


def _memory(graph: Graph) -> Heat:
    values = {
        name: 4.0 * count for name, count in kept_numbers(graph).items()
    }
    note = "kept for the backward pass, of an image in float32"
    return Heat("memory", values, "B", note=note)


def _seen(graph: Graph) -> Heat:
    """The longest side of what a place sees."""
    values = {
        name: math.inf if field.size is None else float(max(field.size))
        for name, field in receptive_fields(graph).items()
    }
    note = "the longest side of what a place sees, in cells of the input"
    return Heat("receptive field", values, "px", "last", note)


STATIC: dict[str, Callable[[Graph], Heat]] = {
    "params": _params,
    "macs": _macs,
    "memory": _memory,
    "receptive field": _seen,
}
"""What a graph says of itself, by the word of `--paint`."""
