"""What every drawn output is made from: rectangles, circles, polygons, lines and single lines of
text, in groups.

Colours are tokens of `style`, so that a scene knows no theme. Coordinates are in pixels, y down.
"""

from __future__ import annotations

from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from ...structs import Frozen

Point = tuple[float, float]


class AtPoint(Frozen):
    """What stands at a point."""

    x: float
    y: float

    def moved(self, dx: float, dy: float) -> Self:
        """The same elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


class FilledOnly(AtPoint):
    """What has no outline: letters, as text or as curves."""

    stroke: ClassVar[str] = ""
    stroke_width: ClassVar[float] = 0


class AlongPoints(Frozen):
    """What runs along points."""

    points: tuple[Point, ...]

    def moved(self, dx: float, dy: float) -> Self:
        """The same elsewhere."""
        return replace(
            self, points=tuple((x + dx, y + dy) for x, y in self.points)
        )


class Rect(AtPoint):
    """A rectangle with rounded corners."""

    width: float
    height: float
    radius: float = 0
    fill: str = ""
    stroke: str = ""
    stroke_width: float = 1


class Circle(AtPoint):
    """A circle."""

    radius: float
    fill: str = ""
    stroke: str = ""
    stroke_width: float = 1


class Polygon(AlongPoints):
    """A closed shape with straight sides: an arrowhead, a face of a box."""

    fill: str = ""
    stroke: str = ""
    stroke_width: float = 1


class Line(AlongPoints):
    """A line along `points` with corners of `radius`; `dotted` in round dots, with an arrowhead at
    its end or not."""

    fill: ClassVar[str] = ""  # only closed shapes have one
    stroke: str
    stroke_width: float = 1.4
    radius: float = 0
    dotted: bool = False
    arrow: bool = False


class Text(FilledOnly):
    """One line of text on its baseline. `anchor` says which of its ends stands at x; `turn` is in
    degrees."""

    text: str
    size: float = 10
    weight: int = 400
    fill: str = "ink"
    anchor: str = "start"
    italic: bool = False
    turn: int = 0


Curve = tuple[Point, ...]
"""A closed curve: its start, then where it is bent towards and where it goes, in turn."""


class Outline(FilledOnly):
    """A line of text as filled curves about a point."""

    curves: tuple[Curve, ...]
    fill: str = "ink"


Primitive = Rect | Circle | Polygon | Line | Text | Outline


class ShapeGroup(Struct):
    """Shapes that are one thing: `name` becomes its id, `kind` its class, `title` what a reader
    hears."""

    name: str
    kind: str
    title: str
    shapes: list[Primitive] = []
    # where in the spec it was written, for a page that can say so
    place: str = ""

    def moved(self, dx: float, dy: float) -> ShapeGroup:
        """The same elsewhere."""
        return replace(
            self, shapes=[shape.moved(dx, dy) for shape in self.shapes]
        )


def badge(
    box: Rect,
    base: float,
    said: str,
    ink: str,
    size: float = 9.5,
    weight: int = 600,
) -> list[Primitive]:
    """A box with a line of text in its middle, on the baseline `base`."""
    middle = box.x + box.width / 2
    return [box, Text(middle, base, said, size, weight, ink, "middle")]


class Scene(Struct):
    """A whole picture: its size, what it is called and says, and what is drawn, from back to
    front."""

    width: float
    height: float
    title: str
    description: str
    items: list[Primitive | ShapeGroup] = []
    background: str = "surface"

    def add(self, *items: Primitive | ShapeGroup) -> None:
        """Draw on top of what is there."""
        self.items.extend(items)

    def cropped(self, by: float) -> Scene:
        """The same without a strip of its margin all around."""
        items = [item.moved(-by, -by) for item in self.items]
        return replace(
            self,
            width=self.width - 2 * by,
            height=self.height - 2 * by,
            items=items,
        )


ARROW_LENGTH, ARROW_HALF = 6.5, 2.7


def arrowhead(line: Line) -> Polygon:
    """The triangle at the end of a line."""
    (x1, y1), (dx, dy), _ = _end(line)
    bx = x1 - dx * ARROW_LENGTH
    by = y1 - dy * ARROW_LENGTH
    return Polygon(
        (
            (x1, y1),
            (bx - dy * ARROW_HALF, by + dx * ARROW_HALF),
            (bx + dy * ARROW_HALF, by - dx * ARROW_HALF),
        ),
        fill=line.stroke,
    )


def shaft(line: Line) -> tuple[Point, ...]:
    """The points of a line, shortened at the end where an arrowhead covers it."""
    if not line.arrow:
        return line.points
    (x, y), (dx, dy), length = _end(line)
    back = min(ARROW_LENGTH - 1, length)
    return (*line.points[:-1], (x - dx * back, y - dy * back))


def _end(line: Line) -> tuple[Point, Point, float]:
    """Where a line ends, its direction there, and how long its last stretch is."""
    (x0, y0), (x1, y1) = line.points[-2:]
    length = max(abs(x1 - x0) + abs(y1 - y0), 1e-9)
    return (x1, y1), ((x1 - x0) / length, (y1 - y0) / length), length
