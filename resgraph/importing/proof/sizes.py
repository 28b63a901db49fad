"""A plan → the sizes of image at which it is compared with its model, cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from ...collecting import flatten
from ...ops import Shape
from ...ops.base import Window
from ...plan import Plan


def proof_sizes(plan: Plan) -> Iterator[list[Shape]]:
    """Of each input a smaller size, if there is one at which no window is wider than its map and
    each map is odd or even as before, so that strides and pools round alike; then the plan's own.

    A net that takes no other size than its own gives an error or other numbers at the first."""
    shapes, share = list(plan.inputs.values()), _share(plan)
    if share < 1:
        yield [
            (x[0], *(int(share * axis) for axis in x[1:])) for x in shapes
        ]
    yield shapes


def _share(plan: Plan) -> Fraction:
    """How much of its size an image needs; 1 where no less will do."""
    sides = _sides(plan)
    if not sides:
        return Fraction(1)
    last = min(sides)
    cells = ceil(_widest(plan) * last)
    share = Fraction(cells + (last - cells) % 2, last)
    kept = all((share * side - side) % 2 == 0 for side in sides)
    return share if kept else Fraction(1)


def _sides(plan: Plan) -> set[int]:
    """The sides of all maps, but those of one cell."""
    nodes = plan.graph.nodes.values()
    return {*flatten(node.shape[1:] for node in nodes)} - {1}


def _widest(plan: Plan) -> Fraction:
    """The largest share of a map's side that a window takes; 1 where it takes more than all."""
    nodes = plan.graph.nodes
    shares = [Fraction(0)]
    for node in nodes.values():
        if window := node.op.window:
            sides = nodes[node.inputs[0]].shape[1:]
            shares += [
                _taken(window, axis, side)
                for axis, side in enumerate(sides)
            ]
    return min(max(shares), Fraction(1))


def _taken(window: Window, axis: int, side: int) -> Fraction:
    kernel, _, dilation, _ = window.along(axis)
    extent = dilation * (kernel - 1) + 1
    return Fraction(extent, side) if extent > 1 else Fraction(0)
