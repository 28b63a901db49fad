"""Placed parts and wires → shapes of a scene, in the colours of their families."""

from __future__ import annotations

from .. import text
from ..content.parts import Capsule, Chain, Fork, Join, OpBox, Row, Strip, Tile
from ..layout import routing
from ..layout.branches import NOTE_SIZE
from ..layout.geometry import Placed, Placement, Rhythm, Wire
from ..scene import Circle, Group, Line, Polygon, Rect, Scene, Shape, Text
from ..style import MARKS

"""The sign beside what differs between two nets, for readers who do not tell the colours apart."""
SMALL_JOIN = 8.0
"""A join of a smaller radius is drawn in slate: beside folded layers it is structure, and no op to
look at."""


def paint(
    scene: Scene, placement: Placement, x: float, y: float, rhythm: Rhythm
) -> None:
    """Draw a placement with its spine at `x` and its top at `y`: frames at the back, then wires,
    then parts."""
    placed = [
        Placed(p.part, p.x + x, p.y + y, p.left, p.right, p.height)
        for p in placement.parts
    ]
    for part in reversed(placed):
        if isinstance(part.part, Fork) and part.part.frame:
            scene.add(_frame(part, part.part))
    wires = [wire.moved(x, y) for wire in placement.wires]
    for wire in sorted(
        filter(lambda wire: wire.is_drawn, wires), key=lambda wire: wire.changes
    ):
        scene.add(*_wire(wire))
    for part in placed:
        match part.part:
            case Tile():
                scene.add(*_tile(part, part.part, rhythm))
            case Strip():
                scene.add(_strip(part, part.part, rhythm))
            case OpBox():
                scene.add(_op(part, part.part))
            case Join():
                scene.add(*_join(part, part.part))
            case Capsule():
                scene.add(_capsule(part, part.part, rhythm))
            case Chain() | Fork():
                pass
    for wire in wires:
        scene.add(*_on_wire(wire))


def _wire(wire: Wire) -> list[Shape]:
    colour = "broken" if wire.broken else "accent" if wire.changes else "edge"
    stroke = 1.7 if wire.changes else 1.4
    out: list[Shape] = [
        Line(wire.points, colour, stroke, 9, dotted=wire.changes, arrow=wire.arrow)
    ]
    if wire.dot:
        out.append(Circle(*wire.points[0], 2.3, fill=colour))
    return out


def _on_wire(wire: Wire) -> list[Shape | Group]:
    """The note and the pill that stand on a wire."""
    out: list[Shape | Group] = []
    if wire.note:
        x, y = routing.note_place(wire)
        colour = "accent" if wire.changes else "ink" if wire.named else "muted"
        out.append(
            Text(x, y, wire.note, routing.NOTE_SIZE, fill=colour, italic=wire.named)
        )
    if wire.pill:
        x, y, width, height = routing.pill_box(wire)
        colour = "accent" if wire.changes else "edge"
        group = Group(wire.name, "shortcut", wire.title)
        group.shapes.append(Rect(x, y, width, height, height / 2, "tile", colour, 1))
        centre = x + width / 2
        group.shapes.append(
            Text(centre, y + 11.9, wire.pill, routing.PILL_SIZE, 600, colour, "middle")
        )
        out.append(group)
    return out


def _frame(placed: Placed, fork: Fork) -> Group:
    """A block of ops: a thin border, its name at the left of the spine and what it costs at the
    right."""
    group = Group(fork.name, "block", fork.title)
    x, right, y = placed.x - placed.left, placed.x + placed.right, placed.y
    group.shapes.append(Rect(x, y, right - x, placed.height, 9, "tile", "rule"))
    room = placed.left - 24
    group.shapes.append(
        Text(x + 12, y + 18, text.fit(fork.caption, 11, room, 600), 11, 600)
    )
    group.shapes.append(
        Text(x + 12, y + 31, text.fit(fork.subcaption, 9.75, room), 9.75, fill="muted")
    )
    for line, base, weight, colour in zip(
        fork.totals, (18, 31), (600, 400), ("ink", "muted"), strict=False
    ):
        group.shapes.append(
            Text(right - 12, y + base, line, 9.75, weight, colour, "end")
        )
    return group


def _tile(placed: Placed, tile: Tile, rhythm: Rhythm) -> list[Shape | Group]:
    """A bordered box, sheets behind it where it stands for several, and its rows."""
    behind = 2 * rhythm.sheet if tile.sheets else 0
    x, width, height = placed.x - placed.left, 2 * placed.left, placed.height - behind
    out: list[Shape | Group] = [
        Rect(x + shift, placed.y + shift, width, height, 6, "tile", "tile-edge")
        for shift in ((2 * rhythm.sheet, rhythm.sheet) if tile.sheets else ())
    ]
    out.append(Rect(x, placed.y, width, height, 6, "tile", "tile-edge"))
    y = placed.y + rhythm.tile_pad
    for row in tile.rows:
        out.append(
            _row(row, x + rhythm.tile_pad, y, width - 2 * rhythm.tile_pad, rhythm)
        )
        y += rhythm.row + rhythm.row_gap
    return out


def _row(row: Row, x: float, y: float, width: float, rhythm: Rhythm) -> Group:
    """A line of a tile: what at the left, how wide at the right, and the stride in a badge."""
    group = Group(row.name, row.family, row.title)
    base, end = y + rhythm.row / 2 + 3.5, x + width - 6
    group.shapes.append(Rect(x, y, width, rhythm.row, 3, f"{row.family}-row"))
    group.shapes.append(Rect(x, y, 3, rhythm.row, 1.5, row.family))
    size = rhythm.size
    if row.stride:
        badge = text.width(row.stride, 9, 600) + 9
        group.shapes.append(
            Rect(end + 2 - badge, y + 2.25, badge, rhythm.row - 4.5, 3, "badge")
        )
        group.shapes.append(
            Text(
                end + 2 - badge / 2,
                base - 0.2,
                row.stride,
                9.5,
                600,
                "accent",
                "middle",
            )
        )
        end -= badge + 3
    if row.count > 1:
        said = f"× {row.count}"
        pill = text.width(said, 9.5, 600) + 9
        group.shapes.append(
            Rect(end + 2 - pill, y + 2, pill, rhythm.row - 4, 5.5, "pill")
        )
        group.shapes.append(
            Text(end + 2 - pill / 2, base - 0.1, said, 9.5, 600, "on-pill", "middle")
        )
        end -= pill + 4
    if row.number:
        group.shapes.append(Text(end, base, row.number, size, 600, "ink", "end"))
        end -= text.width(row.number, size, 600) + 6
    group.shapes.append(
        Text(x + 10, base, text.fit(row.said, size, end - x - 10, 500), size, 500)
    )
    return group


def _strip(placed: Placed, strip: Strip, rhythm: Rhythm) -> Group:
    """A layer as a box of its own: its label in the middle, its stride in a badge at the right."""
    row = strip.row
    group = Group(row.name, row.family, row.title)
    x, y, wide, high = (
        placed.x - placed.left,
        placed.y,
        placed.left + placed.right,
        placed.height,
    )
    fill = f"width-{row.step}" if row.step >= 0 else f"{row.family}-row"
    edge, stroke = (strip.mark, 1.8) if strip.mark else (f"{row.family}-line", 0.9)
    group.shapes.append(Rect(x, y, wide, high, 3.5, fill, edge, stroke))
    if strip.mark:
        group.shapes.append(
            Text(x - 5, y + high / 2 + 4, MARKS[strip.mark], 12, 700, strip.mark, "end")
        )
    badge = text.width(row.stride, 9.5, 600) + 8 if row.stride else 0
    if badge:
        group.shapes.append(
            Rect(x + wide - badge - 2.5, y + 2.2, badge, high - 4.4, 3, "badge")
        )
        middle = x + wide - badge / 2 - 2.5
        group.shapes.append(
            Text(middle, y + high / 2 + 3.3, row.stride, 9.5, 600, "accent", "middle")
        )
    label = text.fit(
        row.label, rhythm.size, wide - 10 - (badge + 2 if badge else 0), 500
    )
    half = text.width(label, rhythm.size, 500) / 2
    middle = min(placed.x, x + wide - badge - 6 - half) if badge else placed.x
    group.shapes.append(
        Text(middle, y + high / 2 + 3.4, label, rhythm.size, 500, anchor="middle")
    )
    return group


def _op(placed: Placed, op: OpBox) -> Group:
    """One op: name and attributes at the left, costs at the right; tall where it has
    multiply-adds."""
    group = Group(op.name, op.family, op.title)
    x, y, width, height = (
        placed.x - placed.left,
        placed.y,
        placed.left + placed.right,
        placed.height,
    )
    group.shapes.append(
        Rect(x, y, width, height, 6, f"{op.family}-fill", f"{op.family}-line")
    )
    group.shapes.append(Rect(x, y, 7, height, 3.5, op.family))
    left, right = x + 19, x + width - 12
    base = y + (17 if op.macs else height / 2 + 3.6)
    room = width - 31 - text.width(op.params, 10.5, 500) - 8
    name = text.fit(op.text, 11 + bool(op.macs), room, 600)
    group.shapes.append(Text(left, base, name, 11 + bool(op.macs), 600))
    if op.params:
        group.shapes.append(
            Text(
                right, base, op.params, 10.5, 500, "ink" if op.macs else "muted", "end"
            )
        )
    if op.macs:
        group.shapes.append(
            Text(right, base + 15, op.macs, 10.25, fill="muted", anchor="end")
        )
        room = width - 31 - text.width(op.macs, 10.25) - 8
        group.shapes.append(
            Text(left, base + 15, text.fit(op.detail, 10.25, room), 10.25, fill="muted")
        )
    elif op.detail:
        used = text.width(name, 11, 600) + 10
        group.shapes.append(
            Text(
                left + used,
                base,
                text.fit(op.detail, 10.25, room - used),
                10.25,
                fill="muted",
            )
        )
    return group


def _join(placed: Placed, join: Join) -> list[Shape | Group]:
    """A circle with a sign, or a pill with a word."""
    group = Group(join.name, join.family, join.title)
    x, y, r = placed.x, placed.y + placed.height / 2, placed.height / 2
    colour = join.mark or ("edge" if r < SMALL_JOIN else join.family)
    fill = "tile" if r < SMALL_JOIN else f"{join.family}-fill"
    if len(join.symbol) == 1 and join.symbol in "+−×÷":
        group.shapes.append(Circle(x, y, r, fill, colour, 1.3))
        group.shapes += _sign(join.symbol, x, y, r * 0.56, colour)
    else:
        half = placed.left
        group.shapes.append(
            Rect(x - half, y - r, 2 * half, 2 * r, r, fill, colour, 1.2)
        )
        group.shapes.append(Text(x, y + 3.3, join.symbol, 9.5, 600, "ink", "middle"))
    out: list[Shape | Group] = [group]
    if join.note:
        out.append(
            Text(
                x - placed.left - 8,
                y + 4,
                join.note,
                NOTE_SIZE,
                fill="ink",
                anchor="end",
                italic=True,
            )
        )
    return out


def _sign(symbol: str, x: float, y: float, r: float, colour: str) -> list[Shape]:
    """A sign drawn with lines, which stand the same in every font."""
    d = r * 0.74
    strokes: dict[str, list[tuple[tuple[float, float], tuple[float, float]]]] = {
        "+": [((x - r, y), (x + r, y)), ((x, y - r), (x, y + r))],
        "−": [((x - r, y), (x + r, y))],
        "×": [((x - d, y - d), (x + d, y + d)), ((x - d, y + d), (x + d, y - d))],
        "÷": [((x - d, y + d), (x + d, y - d))],
    }
    return [Line(points, colour, 1.3) for points in strokes[symbol]]


def _capsule(placed: Placed, capsule: Capsule, rhythm: Rhythm) -> Group:
    """The input or the output."""
    group = Group(
        capsule.name, "input", capsule.title or f"{capsule.caption}: {capsule.text}"
    )
    x, width, height = placed.x - placed.left, placed.left + placed.right, placed.height
    group.shapes.append(
        Rect(x, placed.y, width, height, height / 2, "tile", "edge", 1.2)
    )
    base = placed.y + height / 2 + 3.6
    group.shapes.append(
        Text(placed.x, base, capsule.text, rhythm.size + 0.25, 500, anchor="middle")
    )
    return group


def box_glyph(x: float, middle: float, side: float, depth: float) -> list[Shape]:
    """A small box, as large as a map and as deep as it has channels: top, side and front about a
    middle height."""
    wide, rise = side * 0.66, depth * 0.6
    low, high = middle + (side + rise) / 2, middle + (rise - side) / 2
    top = (
        (x, high),
        (x + depth, high - rise),
        (x + wide + depth, high - rise),
        (x + wide, high),
    )
    right = (
        (x + wide, high),
        (x + wide + depth, high - rise),
        (x + wide + depth, low - rise),
        (x + wide, low),
    )
    front = ((x, high), (x + wide, high), (x + wide, low), (x, low))
    return [Polygon(face, "glyph", "edge", 0.9) for face in (top, right, front)]
