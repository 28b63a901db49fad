"""A graph → for each node how much of the input one place of its output sees, and how far apart
places are.

The arithmetic is Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks" (Distill 2019): along a path, a window of k places at distance j widens what is seen by (k
− 1)·j, and a stride s makes the distance j·s. Where paths meet, the widest counts. What has no
places (a vector) has seen the whole image; a vector that only gates a map, as in
squeeze-and-excitation, leaves the map's own window what it is."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from ..graph import Graph, Node
from ..ops.base import AXES, Shape, Window, is_map
from ..structs import Frozen

AxisFractions = tuple[Fraction | int, ...]
_ONES = (1,) * max(AXES)


class ReceptiveField(Frozen):
    """`size` and `step` along each axis, in cells of the input; `size` is None where the whole
    input is seen."""

    size: AxisFractions | None
    step: AxisFractions

    @property
    def whole(self) -> bool:
        """Whether every place sees the whole input."""
        return self.size is None

    def text(self) -> str:
        """`35 px`, `7 × 35 px`, or `whole image`; `35 cells` where the input is no image."""
        image = len(self.step) == 2
        if self.size is None:
            return "whole image" if image else "whole input"
        cells = [
            -(-side.numerator // side.denominator) for side in self.size
        ]
        alike = len(set(cells)) == 1
        unit = " px" if image else " cells" * alike
        return " × ".join(map(str, cells[:1] if alike else cells)) + unit


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """The receptive field of every node, by name."""
    fields: dict[str, ReceptiveField] = {}
    for name, node in graph.nodes.items():
        if not node.inputs:
            one = (1,) * (len(node.shape) - 1)
            fields[name] = ReceptiveField(one or None, one or _ONES[:1])
            continue
        before = graph.shape(node.inputs[0])
        fields[name] = _through(node, before, _met(graph, node, fields))
    return fields


def _met(
    graph: Graph, node: Node, fields: dict[str, ReceptiveField]
) -> ReceptiveField:
    """What a node's inputs see together."""
    maps = [
        fields[name] for name in node.values if is_map(graph.shape(name))
    ]
    if len(maps) < 2:
        return (maps or [fields[node.inputs[0]]])[0]
    seen = [*filter(None, (field.size for field in maps))]
    size = _widest(seen) if len(seen) == len(maps) else None
    return ReceptiveField(size, _widest([field.step for field in maps]))


def _widest(fields: list[AxisFractions]) -> AxisFractions:
    return tuple(map(max, zip(*fields, strict=True)))


def _through(
    node: Node, before: Shape, field: ReceptiveField
) -> ReceptiveField:
    """What one place of a node's output sees, given what one place of its input does."""
    if not is_map(node.shape):
        return ReceptiveField(None, field.step)
    # no axis of the output is one of the input
    if len(node.shape) != len(before):
        return ReceptiveField(None, _ONES[: len(node.shape) - 1])
    if node.op.reads_all:
        return ReceptiveField(None, field.step)
    axes = _axes(node.op.window, before, node.shape)
    step = tuple(
        old * stride
        for old, (_, stride) in zip(field.step, axes, strict=True)
    )
    if field.size is None:
        return ReceptiveField(None, step)
    grown = zip(field.size, field.step, axes, strict=True)
    return ReceptiveField(
        tuple(old + (k - 1) * by for old, by, (k, _) in grown), step
    )


@lru_cache(1000)  # of a deep net many nodes ask the same
def _axes(
    window: Window | None, before: Shape, after: Shape
) -> tuple[tuple[int, Fraction | int], ...]:
    """How many places of the input one place of the output reads along each axis, and the stride
    in those places."""
    sides = zip(before[1:], after[1:], strict=True)
    return tuple(
        _axis(window, axis, *side) for axis, side in enumerate(sides)
    )


def _axis(
    window: Window | None, axis: int, into: int, out: int
) -> tuple[int, Fraction | int]:
    if window is None:
        return -(-into // out), Fraction(
            into, out
        ) if into % out else into // out
    kernel, step, dilation, _ = window.along(axis)
    cells = dilation * (kernel - 1) + 1
    return (cells if step >= 1 else min(cells, into)), step
