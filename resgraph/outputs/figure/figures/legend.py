"""What a drawing shows → its legend: one line at the bottom, of nothing but what occurs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec import Struct

from .. import text
from ..content.heating import HeatScale
from ..content.parts import Fork, Join, OpBox, Strip, Tile
from ..layout.geometry import Placed, Placement
from ..scene import Line, Primitive, Rect, Scene, Text, badge
from ..style import FAMILIES, HEAT_STEPS, MARKS
from .header import MARGIN

SIZE = 9.75
Draw = Callable[[float, float], list[Primitive]]
_FOLDED = ("folded block", "again: the same weights")
_REPEATS = ("blocks alike, drawn as one", "× N repeats")
"""What is said of blocks drawn as one: of alike ones, and of equal ones."""
_LOOKED_AT = 16
"""The height of a join from which on it is looked at as an op; a smaller one is structure."""
_SIGNS = {
    "+": "addition",
    "×": "product",
    "−": "difference",
    "÷": "quotient",
    "concat": "concatenation",
}
_CHANGES = {
    "projection": "projection shortcut",
    "zero-pad": "zero-padded shortcut",
}


class Legend(Struct):
    """What occurs in a drawing, gathered from its parts and wires.

    `units` is what goes with a convolution in a folded layer; `widths` the greatest width of each
    lightness."""

    units: str = ""
    widths: dict[int, int] = {}
    families: set[str] = set()
    changes: dict[str, None] = {}
    identity: bool = False
    ops: bool = False
    repeats: str = ""
    joins: dict[str, None] = {}
    marks: set[str] = set()
    folded: dict[str, None] = {}
    scale: HeatScale | None = None

    def gather(self, placement: Placement, kinds: Iterable[str]) -> None:
        """Note what a placement shows; `kinds` are the kinds of its shortcuts that change the
        shape."""
        for placed in placement.parts:
            self._note(placed)
        if self.widths:  # which say what a convolution's colour means
            self.families.discard("conv")
        for wire in placement.wires:
            if wire.changes:
                self.changes.update(
                    dict.fromkeys(sorted(kinds) or ["path"])
                )
            self.identity |= wire.shortcut and not wire.changes

    def _note(self, placed: Placed) -> None:
        match placed.part:
            case Strip(row=row, mark=mark):
                self.families.add(row.family)
                self.marks.add(mark)
            case Tile(rows=rows):
                self.families.update(row.family for row in rows)
                blocks = (row for row in rows if row.family == "block")
                self.folded |= {
                    _FOLDED[bool(row.again)]: None for row in blocks
                }
            case OpBox(family=family):
                self.families.add(family)
                self.ops = True
            case Fork(repeat=run) if run.count > 1:
                self.repeats = self.repeats or _REPEATS[run.equal]
            case Join() as join:
                self.marks.add(join.mark)
                if placed.height >= _LOOKED_AT:
                    self.families.add(join.family)
                    sign = next(filter(join.symbol.count, _SIGNS), "")
                    self.joins[_SIGNS.get(sign, "equation")] = None

    def draw(self, scene: Scene, y: float) -> float:
        """Draw it from `y` on, in as many lines as it needs; the y below it."""
        right = scene.width - MARGIN
        scene.add(Line(((MARGIN, y), (right, y)), "rule", 1))
        if self.scale:
            y = _colour_bar(scene, self.scale, y + 21)
        x = MARGIN + 3
        y += 21
        for wide, label, draw in self.entries():
            needed = wide + 6 + text.width(label, SIZE)
            if x + needed > right and x > MARGIN + 3:
                x = MARGIN + 3
                y += 18
            scene.add(*draw(x, y))
            if label:
                scene.add(Text(x + wide + 6, y + 3.4, label, SIZE))
            x += needed + 17
        return y + 18

    def entries(self) -> Iterator[tuple[float, str, Draw]]:
        """The width of a sample, its label, and how to draw it."""
        if self.widths:
            room = (
                text.width("conv width", SIZE, 600)
                + 8
                + 33 * len(self.widths)
            )
            yield room, "", partial(_widths, self.widths)
        labels = dict(FAMILIES)
        labels["merge"] = ", ".join(self.joins) or labels["merge"]
        labels["block"] = ", ".join(self.folded) or labels["block"]
        labels["conv"] += "" if self.ops else self.units
        for family, label in labels.items():
            if family in self.families:
                yield 13, label, partial(_swatch, family)
        for mark in sorted(self.marks - {""}):
            yield 15, f"{MARKS[mark]} {mark}", partial(_outline, mark)
        if self.identity:
            yield 20, "identity shortcut", partial(_sample, "edge", 1.4)
        for kind in self.changes:
            label = _CHANGES.get(kind, "shortcut that changes shape")
            yield 22, label, partial(_sample, "accent", 1.7)
        if self.repeats:
            yield 15, self.repeats, _sheets


_SWATCH = 22.0


def _colour_bar(scene: Scene, scale: HeatScale, y: float) -> float:
    """What the figure is painted with: its name, its colours with both ends of the range, and how
    it came about; the y of the line below."""
    heat = scale.heat
    x = MARGIN + 3
    low, high = scale.ends
    for said, weight in ((heat.name, 600), (low, 400)):
        scene.add(Text(x, y + 3.4, said, SIZE, weight))
        x += text.width(said, SIZE, weight) + 9
    for step in range(HEAT_STEPS):
        scene.add(
            Rect(
                x + step * _SWATCH, y - 6.5, _SWATCH, 13, 0, f"heat-{step}"
            )
        )
    x += HEAT_STEPS * _SWATCH + 9
    scene.add(Text(x, y + 3.4, " · ".join([high, *scale.remarks]), SIZE))
    if not heat.note:
        return y
    said = text.fit(heat.note, SIZE, scene.width - 2 * MARGIN - 3)
    scene.add(Text(MARGIN + 3, y + 20, said, SIZE, fill="muted"))
    return y + 17


def _swatch(family: str, x: float, y: float) -> list[Primitive]:
    return [
        Rect(x, y - 5.5, 13, 11, 2.5, f"{family}-row"),
        Rect(x, y - 5.5, 3.4, 11, 1.7, family),
    ]


def _outline(mark: str, x: float, y: float) -> list[Primitive]:
    return [Rect(x, y - 5.5, 15, 11, 2.5, "", mark, 1.8)]


def _sample(
    colour: str, stroke: float, x: float, y: float
) -> list[Primitive]:
    """An arrow, dotted where it changes the shape."""
    points = ((x, y), (x + 20, y))
    return [
        Line(points, colour, stroke, dotted=colour == "accent", arrow=True)
    ]


def _widths(widths: dict[int, int], x: float, y: float) -> list[Primitive]:
    """A swatch for each lightness of a convolution, with the greatest width that it stands for."""
    out: list[Primitive] = [Text(x, y + 3.4, "conv width", SIZE, 600)]
    x += text.width("conv width", SIZE, 600) + 8
    for step, value in widths.items():
        box = Rect(x, y - 6.5, 30, 13, 3, f"width-{step}", "conv-line", 0.9)
        out += badge(box, y + 3.2, str(value), "ink", weight=400)
        x += 33
    return out


def _sheets(x: float, y: float) -> list[Primitive]:
    return [
        Rect(x + d, y - 6 + d, 9, 8, 2, "tile", "tile-edge")
        for d in (4, 2, 0)
    ]
