"""What a drawing shows → its legend: one line at the bottom, of nothing but what occurs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .. import text
from ..content.parts import Fork, Join, OpBox, Strip, Tile
from ..layout.geometry import Placement
from ..scene import Line, Rect, Scene, Shape, Text
from ..style import FAMILIES, MARKS
from .header import MARGIN

SIZE = 9.75
Draw = Callable[[float, float], list[Shape]]
_SIGNS = {
    "+": "addition",
    "×": "product",
    "−": "difference",
    "÷": "quotient",
    "concat": "concatenation",
}
_CHANGES = {"projection": "projection shortcut", "zero-pad": "zero-padded shortcut"}


@dataclass(slots=True)
class Legend:
    """What occurs in a drawing, gathered from its parts and wires.

    `units` is what goes with a convolution in a folded layer; `widths` the greatest width of each
    lightness."""

    units: str = ""
    widths: dict[int, int] = field(default_factory=dict)
    families: set[str] = field(default_factory=set)
    changes: dict[str, None] = field(default_factory=dict)
    identity: bool = False
    ops: bool = False
    repeats: str = ""
    joins: dict[str, None] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def gather(self, placement: Placement, kinds: Iterable[str]) -> None:
        """Note what a placement shows; `kinds` are the kinds of its shortcuts that change the
        shape."""
        for placed in placement.parts:
            part = placed.part
            if isinstance(part, Strip | Join) and part.mark:
                self.marks.add(part.mark)
            if isinstance(part, Strip):
                self.families.add(part.row.family)
            elif isinstance(part, Tile):
                self.families.update(row.family for row in part.rows)
            elif isinstance(part, Fork) and part.repeat and part.repeat.count > 1:
                self.repeats = self.repeats or (
                    "× N repeats" if part.repeat.equal else "blocks alike, drawn as one"
                )
            elif isinstance(part, OpBox):
                self.families.add(part.family)
                self.ops = True
            elif isinstance(part, Join) and placed.height >= 16:
                self.families.add(part.family)
                sign = next((sign for sign in _SIGNS if sign in part.symbol), "")
                self.joins[_SIGNS.get(sign, "equation")] = None
        for wire in placement.wires:
            if wire.changes:
                self.changes.update(dict.fromkeys(sorted(kinds)) or {"path": None})
            elif wire.shortcut:
                self.identity = True

    def draw(self, scene: Scene, y: float) -> float:
        """Draw it from `y` on, in as many lines as it needs; the y below it."""
        right = scene.width - MARGIN
        scene.add(Line(((MARGIN, y), (right, y)), "rule", 1))
        x, y = MARGIN + 3, y + 21
        for wide, label, draw in self._entries():
            needed = wide + 6 + text.width(label, SIZE)
            if x + needed > right and x > MARGIN + 3:
                x, y = MARGIN + 3, y + 18
            scene.add(*draw(x, y))
            if label:
                scene.add(Text(x + wide + 6, y + 3.4, label, SIZE))
            x += needed + 17
        return y + 18

    def _entries(self) -> Iterator[tuple[float, str, Draw]]:
        """The width of a sample, its label, and how to draw it."""
        if self.widths:
            yield (
                text.width("conv width", SIZE, 600) + 8 + 33 * len(self.widths),
                "",
                _widths(self.widths),
            )
        for family, label in FAMILIES.items():
            if family in self.families and not (self.widths and family == "conv"):
                label = (
                    ", ".join(self.joins) if family == "merge" and self.joins else label
                )
                yield (
                    13,
                    label + (self.units if family == "conv" and not self.ops else ""),
                    _swatch(family),
                )
        for mark in sorted(self.marks):
            yield 15, f"{MARKS[mark]} {mark}", _outline(mark)
        if self.identity:
            yield 20, "identity shortcut", _sample(dotted=False)
        for kind in self.changes:
            yield (
                22,
                _CHANGES.get(kind, "shortcut that changes shape"),
                _sample(dotted=True),
            )
        if self.repeats:
            yield 15, self.repeats, _sheets


def _swatch(family: str) -> Draw:
    def draw(x: float, y: float) -> list[Shape]:
        return [
            Rect(x, y - 5.5, 13, 11, 2.5, f"{family}-row"),
            Rect(x, y - 5.5, 3.4, 11, 1.7, family),
        ]

    return draw


def _outline(mark: str) -> Draw:
    def draw(x: float, y: float) -> list[Shape]:
        return [Rect(x, y - 5.5, 15, 11, 2.5, "", mark, 1.8)]

    return draw


def _sample(*, dotted: bool) -> Draw:
    def draw(x: float, y: float) -> list[Shape]:
        colour, stroke = ("accent", 1.7) if dotted else ("edge", 1.4)
        return [Line(((x, y), (x + 20, y)), colour, stroke, dotted=dotted, arrow=True)]

    return draw


def _widths(widths: dict[int, int]) -> Draw:
    """A swatch for each lightness of a convolution, with the greatest width that it stands for."""

    def draw(x: float, y: float) -> list[Shape]:
        out: list[Shape] = [Text(x, y + 3.4, "conv width", SIZE, 600)]
        x += text.width("conv width", SIZE, 600) + 8
        for step, value in widths.items():
            out.append(Rect(x, y - 6.5, 30, 13, 3, f"width-{step}", "conv-line", 0.9))
            out.append(Text(x + 15, y + 3.2, str(value), 9.5, anchor="middle"))
            x += 33
        return out

    return draw


def _sheets(x: float, y: float) -> list[Shape]:
    return [Rect(x + d, y - 6 + d, 9, 8, 2, "tile", "tile-edge") for d in (4, 2, 0)]
