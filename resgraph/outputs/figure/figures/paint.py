"""Placed parts and wires → shapes of a scene, in the colours of their families."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from .. import text
from ..content.parts import (
    Capsule,
    Fork,
    HeatCells,
    Join,
    OpBox,
    Strip,
    Tile,
    TileRow,
)
from ..layout import routing
from ..layout.branches import NOTE_SIZE
from ..layout.geometry import (
    HEAT_SIZE,
    Placed,
    Placement,
    Rhythm,
    Wire,
    heat_width,
)
from ..scene import (
    Circle,
    Line,
    Point,
    Primitive,
    Rect,
    Scene,
    ShapeGroup,
    Text,
    badge,
)
from ..style import MARKS, heat_of

_BELOW = 15.0
"""How far the letters of an equation stand below the line that comes into its join."""
Items = list[Primitive | ShapeGroup]
SMALL_JOIN = 8.0
"""A join of a smaller radius is drawn in slate: beside folded layers it is structure, and no op to
look at."""


def paint(
    scene: Scene, placement: Placement, x: float, y: float, rhythm: Rhythm
) -> None:
    """Draw a placement with its spine at `x` and its top at `y`: frames at the back, then wires,
    then parts."""
    placed = [part.moved(x, y) for part in placement.parts]
    wires = [wire.moved(x, y) for wire in placement.wires]
    for part in reversed(placed):
        if isinstance(part.part, Fork) and part.part.frame:
            scene.add(_frame(part, part.part))
    for wire in sorted(wires, key=attrgetter("changes")):
        scene.add(*_line(wire) if wire.is_drawn else ())
    for part in placed:
        draw = _LEAVES.get(type(part.part))
        scene.add(*draw(part, part.part, rhythm) if draw else ())
    for wire in wires:
        scene.add(*_on_wire(wire))


def _line(wire: Wire) -> list[Primitive]:
    """The line of a wire, and the dot where it leaves another."""
    colour = "broken" if wire.broken else _colour(wire)
    stroke = 1.7 if wire.changes else 1.4
    line = Line(
        wire.points,
        colour,
        stroke,
        9,
        dotted=wire.changes,
        arrow=wire.arrow,
    )
    return (
        [line, Circle(*wire.points[0], 2.3, fill=colour)]
        if wire.dot
        else [line]
    )


def _colour(wire: Wire) -> str:
    return "accent" if wire.changes else "edge"


def _on_wire(wire: Wire) -> Items:
    """The note and the pill that stand on a wire."""
    out: Items = []
    if wire.note:
        colour = (
            "accent" if wire.changes else "ink" if wire.named else "muted"
        )
        x, y = routing.note_place(wire)
        out.append(
            Text(
                x,
                y,
                wire.note,
                routing.NOTE_SIZE,
                fill=colour,
                italic=wire.named,
            )
        )
    if wire.pill:
        out.append(_pill(wire))
    return out


def _pill(wire: Wire) -> ShapeGroup:
    colour = _colour(wire)
    x, y, width, height = routing.pill_box(wire)
    warm = heat_width(wire.heat)
    high = height - 5
    middle = x + (width - warm) / 2
    size = routing.PILL_SIZE
    shapes = [
        Rect(x, y, width, height, height / 2, "tile", colour),
        *_cells(
            Rect(x + width - warm - 3, y + 2.5, warm, high, high / 2),
            wire.heat,
        ),
        Text(middle, y + 11.9, wire.pill, size, 600, colour, "middle"),
    ]
    return ShapeGroup(wire.name, "shortcut", wire.title, shapes)


def _cells(box: Rect, cells: HeatCells) -> list[Primitive]:
    """Numbers in a box, each on its colour; those of a range side by side."""
    out: list[Primitive] = []
    for place, cell in enumerate(cells):
        wide = box.width / len(cells)
        part = Rect(
            box.x + place * wide, box.y, wide, box.height, box.radius
        )
        fill, ink = heat_of(cell.step)
        base = box.y + box.height / 2 + 3.4
        out += badge(
            replace(part, fill=fill), base, cell.text, ink, HEAT_SIZE, 500
        )
    return out


def _beside_heat(
    cells: HeatCells, box: Rect, rhythm: Rhythm
) -> tuple[Rect, list[Primitive]]:
    """What the cells at the right end of a box leave of it, and the cells."""
    if not cells:
        return box, []
    wide = rhythm.heat - 4
    end = replace(box, x=box.x + box.width - wide, width=wide)
    return replace(box, width=box.width - rhythm.heat), _cells(end, cells)


def _frame(placed: Placed, fork: Fork) -> ShapeGroup:
    """A block of ops: a thin border, its name at the left of the spine and what it costs at the
    right."""
    x = placed.start + 12
    y = placed.y
    room = placed.left - 24
    shapes: list[Primitive] = [
        placed.box(9, "tile", "rule"),
        Text(x, y + 18, text.fit(fork.caption, 11, room, 600), 11, 600),
        Text(
            x,
            y + 31,
            text.fit(fork.subcaption, 9.75, room),
            9.75,
            fill="muted",
        ),
    ]
    right = placed.x + placed.right - 12
    for line, base, weight, colour in zip(
        fork.totals, (18, 31), (600, 400), ("ink", "muted"), strict=False
    ):
        shapes.append(
            Text(right, y + base, line, 9.75, weight, colour, "end")
        )
    return ShapeGroup(fork.name, "block", fork.title, shapes)


def _tile(placed: Placed, tile: Tile, rhythm: Rhythm) -> Items:
    """A bordered box, sheets behind it where it stands for several, and its rows."""
    x = placed.start
    y = placed.y
    width = 2 * placed.left
    pad = rhythm.tile_pad
    shifts = (2 * rhythm.sheet, rhythm.sheet, 0) if tile.sheets else (0,)
    height = placed.height - shifts[0]
    out: Items = [
        Rect(x + shift, y + shift, width, height, 6, "tile", "tile-edge")
        for shift in shifts
    ]
    y += pad
    for row in tile.rows:
        out.append(_row(row, x + pad, y, width - 2 * pad, rhythm))
        y += rhythm.row + rhythm.row_gap
    return out


def _row(
    row: TileRow, x: float, y: float, width: float, rhythm: Rhythm
) -> ShapeGroup:
    """A line of a tile: what at the left, how wide at the right, and the stride in a badge."""
    size = rhythm.size
    high = rhythm.row
    box = Rect(x, y, width, high, 3, f"{row.family}-row")
    box, cells = _beside_heat(row.heat, box, rhythm)
    base = y + rhythm.row / 2 + 3.5
    end = x + box.width - 6
    shapes: list[Primitive] = [
        box,
        Rect(x, y, 3, high, 1.5, row.family),
        *cells,
    ]
    if row.stride:
        room = text.width(row.stride, 9, 600) + 9
        box = Rect(end + 2 - room, y + 2.25, room, high - 4.5, 3, "badge")
        shapes += badge(box, base - 0.2, row.stride, "accent")
        end -= room + 3
    if row.times:
        room = text.width(row.times, 9.5, 600) + 9
        box = Rect(end + 2 - room, y + 2, room, high - 4, 5.5, "pill")
        shapes += badge(box, base - 0.1, row.times, "on-pill")
        end -= room + 4
    if row.number:
        shapes.append(Text(end, base, row.number, size, 600, "ink", "end"))
        end -= text.width(row.number, size, 600) + 6
    said = text.fit(row.said, size, end - x - 10, 500)
    shapes.append(Text(x + 10, base, said, size, 500))
    return ShapeGroup(row.name, row.family, row.title, shapes)


def _strip(placed: Placed, strip: Strip, rhythm: Rhythm) -> Items:
    """A layer as a box of its own: its label in the middle, its stride in a badge at the right."""
    row = strip.row
    x = placed.start
    y = placed.y
    high = placed.height
    fill = f"width-{row.step}" if row.step >= 0 else f"{row.family}-row"
    edge, stroke = (
        (strip.mark, 1.8) if strip.mark else (f"{row.family}-line", 0.9)
    )
    box, cells = _beside_heat(
        row.heat, placed.box(3.5, fill, edge, stroke), rhythm
    )
    shapes: list[Primitive] = [box, *cells]
    down = placed.middle
    middle = x + box.width / 2
    end = x + box.width
    if strip.mark:
        sign = MARKS[strip.mark]
        shapes.append(
            Text(x - 5, down + 4, sign, 12, 700, strip.mark, "end")
        )
    room = text.room(row.stride, 9.5, 600, beside=10)
    label = text.fit(row.label, rhythm.size, box.width - 10 - room, 500)
    if row.stride:
        pill = Rect(
            end - room - 0.5, y + 2.2, room - 2, high - 4.4, 3, "badge"
        )
        shapes += badge(pill, down + 3.3, row.stride, "accent")
        # as near to the middle as the badge lets it
        half = text.width(label, rhythm.size, 500) / 2
        middle = min(middle, end - room - 4 - half)
    shapes.append(
        Text(middle, down + 3.4, label, rhythm.size, 500, anchor="middle")
    )
    return [ShapeGroup(row.name, row.family, row.title, shapes)]


def _op(placed: Placed, op: OpBox, rhythm: Rhythm) -> Items:
    """One op: name and attributes at the left, costs at the right; tall where it has
    multiply-adds."""
    box = placed.box(6, f"{op.family}-fill", f"{op.family}-line")
    box, cells = _beside_heat(op.heat, box, rhythm)
    x = box.x
    y = box.y
    width = box.width
    left = x + 19
    right = x + width - 12
    base = y + 17 if op.macs else placed.middle + 3.6
    size = 11 + bool(op.macs)
    room = width - 31 - text.room(op.params, 10.5, 500, beside=8)
    name = text.fit(op.text, size, room, 600)
    shapes: list[Primitive] = [
        box,
        Rect(x, y, 7, box.height, 3.5, op.family),
        *cells,
        Text(left, base, name, size, 600),
    ]
    if op.params:
        ink = "ink" if op.macs else "muted"
        shapes.append(Text(right, base, op.params, 10.5, 500, ink, "end"))
    if op.macs:
        base += 15
        shapes.append(
            Text(right, base, op.macs, 10.25, fill="muted", anchor="end")
        )
        room = width - 31 - text.width(op.macs, 10.25) - 8
    else:
        used = text.width(name, 11, 600) + 10
        left += used
        room -= used
    if op.macs or op.detail:
        detail = text.fit(op.detail, 10.25, room)
        shapes.append(Text(left, base, detail, 10.25, fill="muted"))
    return [ShapeGroup(op.name, op.family, op.title, shapes)]


def _join(placed: Placed, join: Join, rhythm: Rhythm) -> Items:
    """A circle with a sign, or a pill with a word."""
    x = placed.x
    y = placed.middle
    r = placed.height / 2
    half = placed.left
    small = r < SMALL_JOIN
    colour = join.mark or ("edge" if small else join.family)
    fill = "tile" if small else f"{join.family}-fill"
    ink = colour
    word_ink = "ink"
    if join.step >= 0:
        fill, ink = heat_of(join.step)
        word_ink = ink
    if strokes := _sign(join.symbol, x, y, r * 0.56):
        shapes: list[Primitive] = [Circle(x, y, r, fill, colour, 1.3)]
        shapes += [Line(points, ink, 1.3) for points in strokes]
    else:
        box = Rect(x - half, y - r, 2 * half, 2 * r, r, fill, colour, 1.2)
        shapes = badge(box, y + 3.3, join.symbol, word_ink)
    out: Items = [ShapeGroup(join.name, join.family, join.title, shapes)]
    if join.note:
        out.append(
            Text(
                x - half - 8,
                y + (_BELOW if join.below else 4),
                join.note,
                NOTE_SIZE,
                anchor="end",
                italic=True,
            )
        )
    return out


def _sign(
    symbol: str, x: float, y: float, r: float
) -> list[tuple[Point, Point]]:
    """A sign drawn with lines, which stand the same in every font; none for a word."""
    d = r * 0.74
    across = ((x - r, y), (x + r, y))
    upright = ((x, y - r), (x, y + r))
    falling = ((x - d, y - d), (x + d, y + d))
    rising = ((x - d, y + d), (x + d, y - d))
    signs = {
        "+": [across, upright],
        "−": [across],
        "×": [falling, rising],
        "÷": [rising],
    }
    return signs.get(symbol, [])


def _capsule(placed: Placed, capsule: Capsule, rhythm: Rhythm) -> Items:
    """The input or the output."""
    title = f"{capsule.caption}: {capsule.text}"
    box = placed.box(placed.height / 2, "tile", "edge", 1.2)
    x = placed.x
    base = placed.middle + 3.6
    size = rhythm.size + 0.25
    said = Text(x, base, capsule.text, size, 500, anchor="middle")
    return [ShapeGroup(capsule.name, "input", title, [box, said])]


_LEAVES: dict[type, Callable[[Placed, Any, Rhythm], Items]] = {
    Tile: _tile, Strip: _strip, OpBox: _op, Join: _join, Capsule: _capsule
}  # fmt: skip
"""How each part without parts is drawn."""
