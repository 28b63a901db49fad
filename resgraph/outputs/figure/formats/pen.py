"""Shapes of a scene → text: what SVG and TikZ share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from ..scene import (
    Circle,
    Line,
    Outline,
    Polygon,
    Primitive,
    Rect,
    ShapeGroup,
    Text,
    arrowhead,
)


class Pen(ABC):
    """Writes each shape as one element, and a line's arrowhead as a shape of its own."""

    @abstractmethod
    def rect(self, shape: Rect) -> str:
        """A rectangle."""

    @abstractmethod
    def circle(self, shape: Circle) -> str:
        """A circle."""

    @abstractmethod
    def polygon(self, shape: Polygon) -> str:
        """A closed shape with straight sides."""

    @abstractmethod
    def line(self, shape: Line) -> str:
        """A line without its arrowhead."""

    @abstractmethod
    def text(self, shape: Text) -> str:
        """One line of text on its baseline."""

    @abstractmethod
    def outline(self, shape: Outline) -> str:
        """A line of text as curves."""

    def draw(self, shape: Primitive) -> str:
        """One shape."""
        match shape:
            case Rect():
                return self.rect(shape)
            case Circle():
                return self.circle(shape)
            case Polygon():
                return self.polygon(shape)
            case Text():
                return self.text(shape)
            case Outline():
                return self.outline(shape)
            case Line(arrow=True):
                return (
                    f"{self.line(shape)}\n{self.polygon(arrowhead(shape))}"
                )
            case Line():
                return self.line(shape)


def flat(items: Iterable[Primitive | ShapeGroup]) -> list[Primitive]:
    """Shapes without their groups."""
    out: list[Primitive] = []
    for item in items:
        out += item.shapes if isinstance(item, ShapeGroup) else [item]
    return out
