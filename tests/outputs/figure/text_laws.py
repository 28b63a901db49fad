"""What holds for the text of every figure, in the widest font that a reader has: none crosses another or its box."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from resgraph.outputs.figure import text
from resgraph.outputs.figure.scene import (
    Line,
    Rect,
    Scene,
    ShapeGroup,
    Text,
)

SLACK = 0.6


class Box(NamedTuple):
    """A line of text with what it covers."""

    said: str
    left: float
    right: float
    top: float
    bottom: float


def box(line: Text) -> Box:
    wide = text.width(line.text, line.size, line.weight)
    left = (
        line.x
        - {"start": 0.0, "middle": wide / 2, "end": wide}[line.anchor]
    )
    return Box(
        line.text, left, left + wide, line.y - 0.73 * line.size, line.y
    )


def clashes(scene: Scene) -> list[tuple[str, str]]:
    """Texts that cross one another, that reach out of their boxes or out of the picture."""
    out, lines = [], []
    for item in scene.items:
        shapes = item.shapes if isinstance(item, ShapeGroup) else [item]
        rects = [shape for shape in shapes if isinstance(shape, Rect)]
        for shape in shapes:
            if not isinstance(shape, Text):
                continue
            mine = box(shape)
            lines.append(mine)
            if mine.left < -SLACK or mine.right > scene.width + SLACK:
                out.append((mine.said, "the edge"))
            out += [
                (mine.said, "its box")
                for rect in _holders(rects, mine)
                if _leaves(mine, rect)
            ]
    return out + _crossings(lines)


def _holders(rects: list[Rect], mine: Box) -> list[Rect]:
    """The smallest rectangle of a group in which a text begins, ends or has its middle."""
    places = (mine.left + 1, (mine.left + mine.right) / 2, mine.right - 1)
    level = (mine.top + mine.bottom) / 2
    around = [
        r
        for r in rects
        if r.y <= level <= r.y + r.height
        and any(r.x <= x <= r.x + r.width for x in places)
    ]
    return sorted(around, key=lambda r: r.width * r.height)[:1]


def _leaves(mine: Box, rect: Rect) -> bool:
    return (
        mine.left < rect.x - SLACK
        or mine.right > rect.x + rect.width + SLACK
    )


def _crossings(lines: list[Box]) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    near: list[Box] = []
    for mine in sorted(lines, key=lambda each: each.top):
        near = [other for other in near if other.bottom > mine.top + 1]
        out += [
            (o.said, mine.said)
            for o in near
            if min(o.right, mine.right) - max(o.left, mine.left) > SLACK
        ]
        near.append(mine)
    return out


def struck(scene: Scene) -> list[str]:
    """Texts without a box that a line runs through."""
    stretches = [
        (*sorted((x0, x1)), *sorted((y0, y1)))
        for line in scene.items
        if isinstance(line, Line)
        for (x0, y0), (x1, y1) in pairwise(line.points)
    ]
    return [
        mine.said
        for item in scene.items
        if isinstance(item, Text)
        for mine in [box(item)]
        for left, right, top, bottom in stretches
        if left < mine.right - SLACK
        and right > mine.left + SLACK
        and top < mine.bottom - SLACK
        and bottom > mine.top + SLACK
    ]
