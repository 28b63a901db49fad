"""What holds for every layout: boxes do not overlap, no wire runs through one, and no two share a lane."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from resgraph.outputs.figure.content.parts import Chain, Fork, Join
from resgraph.outputs.figure.layout.geometry import Placed, Placement

EDGE = 0.6


def leaves(placement: Placement) -> list[Placed]:
    return [
        p for p in placement.parts if not isinstance(p.part, Chain | Fork)
    ]


def overlaps(placement: Placement) -> list[tuple[str, str]]:
    """Pairs of boxes that share ground, by a sweep from top to bottom."""
    open_: list[Placed] = []
    out = []
    for p in sorted(leaves(placement), key=lambda p: p.y):
        open_ = [other for other in open_ if other.bottom > p.y + EDGE]
        for other in open_:
            if (
                p.x - p.left + EDGE < other.x + other.right
                and other.x - other.left + EDGE < p.x + p.right
            ):
                out.append((other.part.name, p.part.name))
        open_.append(p)
    return out


def crossings(
    placement: Placement,
) -> list[tuple[str, tuple[float, float], tuple[float, float]]]:
    """Stretches of wire that run through a box."""
    boxes = [
        # the sheets at the right of a tile are only a shadow
        (
            p.part.name,
            p.x - p.left + EDGE,
            p.x + p.left - EDGE,
            p.y + EDGE,
            p.bottom - EDGE,
        )
        for p in leaves(placement)
        if not isinstance(p.part, Join)
    ]
    out = []
    for wire in placement.wires:
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            left = min(x0, x1)
            right = max(x0, x1)
            top = min(y0, y1)
            bottom = max(y0, y1)
            for name, start, end, above, below in boxes:
                if (
                    left < end
                    and right > start
                    and top < below
                    and bottom > above
                ):
                    out.append((name, (x0, y0), (x1, y1)))
    return out


def shared_lanes(placement: Placement) -> list[tuple[float, float, float]]:
    """Upright stretches of two shortcuts that lie on one another, though they come from different dots."""
    uprights: dict[
        float, list[tuple[float, float, tuple[float, float]]]
    ] = defaultdict(list)
    for wire in placement.wires:
        if len(wire.points) < 3:
            continue
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            if abs(x0 - x1) < 0.01 and abs(y0 - y1) > EDGE:
                uprights[round(x0, 1)].append(
                    (min(y0, y1), max(y0, y1), wire.points[0])
                )
    out = []
    for x, stretches in uprights.items():
        for one, other in pairwise(sorted(stretches)):
            if other[0] < one[1] - EDGE and one[2] != other[2]:
                out.append((x, other[0], one[1]))
    return out
