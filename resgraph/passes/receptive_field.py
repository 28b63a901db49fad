"""A graph → for each node how much of the input one place of its output sees, and how far apart
places are.

The arithmetic is Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks" (Distill 2019): along a path, a window of k places at distance j widens what is seen by (k
− 1)·j, and a stride s makes the distance j·s. Where paths meet, the widest counts. What has no
places (a vector) has seen the whole image; a vector that only gates a map, as in
squeeze-and-excitation, leaves the map's own window what it is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..graph import Graph, Node
from ..ops.base import Shape

Axis = Fraction


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """`size` and `step` down and across, in pixels of the input; `size` is None where the whole
    input is seen."""

    size: tuple[Fraction, Fraction] | None
    step: tuple[Fraction, Fraction]

    @property
    def whole(self) -> bool:
        """Whether every place sees the whole input."""
        return self.size is None

    def text(self) -> str:
        """`35 px`, `7 × 35 px`, or `whole image`."""
        if self.size is None:
            return "whole image"
        down, across = (-(-side.numerator // side.denominator) for side in self.size)
        return f"{down} px" if down == across else f"{down} × {across} px"


_ONE = (Fraction(1), Fraction(1))


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """The receptive field of every node, by name."""
    fields: dict[str, ReceptiveField] = {}
    for name, node in graph.nodes.items():
        if not node.inputs:
            size = _ONE if len(node.shape) == 3 else None
            fields[name] = ReceptiveField(size, _ONE)
            continue
        before = graph.nodes[node.inputs[0]].shape
        fields[name] = _through(node, before, _met(graph, node, fields))
    return fields


def _met(graph: Graph, node: Node, fields: dict[str, ReceptiveField]) -> ReceptiveField:
    """What a node's inputs see together."""
    maps = [fields[name] for name in node.values if len(graph.nodes[name].shape) == 3]
    if not maps:
        return fields[node.inputs[0]]
    sizes = [field.size for field in maps]
    seen = [size for size in sizes if size is not None]
    step = (max(f.step[0] for f in maps), max(f.step[1] for f in maps))
    if len(seen) < len(sizes):
        return ReceptiveField(None, step)
    return ReceptiveField(
        (max(size[0] for size in seen), max(size[1] for size in seen)), step
    )


def _through(node: Node, before: Shape, field: ReceptiveField) -> ReceptiveField:
    """What one place of a node's output sees, given what one place of its input does."""
    if len(node.shape) != 3 or len(before) != 3:
        return ReceptiveField(None, field.step)
    if node.op.reads_all:
        return ReceptiveField(None, field.step)
    axes = [_axis(node, before, axis) for axis in (0, 1)]
    step = (field.step[0] * axes[0][1], field.step[1] * axes[1][1])
    if field.size is None:
        return ReceptiveField(None, step)
    size = tuple(
        field.size[axis] + (axes[axis][0] - 1) * field.step[axis] for axis in (0, 1)
    )
    return ReceptiveField((size[0], size[1]), step)


def _axis(node: Node, before: Shape, axis: int) -> tuple[int, Fraction]:
    """How many places of the input one place of the output reads along an axis, and the stride in
    those places."""
    into, out = before[axis + 1], node.shape[axis + 1]
    window = node.op.window
    if window is None:
        return -(-into // out), Fraction(into, out)
    stride = Fraction(window.stride[axis])
    cells = window.dilation[axis] * (window.kernel[axis] - 1) + 1
    return (cells if stride >= 1 else min(cells, into)), stride
