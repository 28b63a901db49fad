"""The rows of a net as drawn → what stands beside each: its name, which blocks are shown, its shape
and its costs."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import ceil, log2
from typing import TYPE_CHECKING

from ....collecting import each_name, flatten, of_type
from ....graph import Graph, Path, total
from ....ops import Shape
from ....passes.receptive_field import ReceptiveField
from ....structs import Frozen
from .. import text
from ..content import quantity
from ..content.parts import Chain, FigurePart, Fork, OpBox, Tile
from ..layout.geometry import Placed, Placement
from ..scene import Point, Polygon, Primitive, Rect, Scene, Text, badge
from .header import MARGIN

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat

GUTTER = 98.0
COLUMNS = (("parameters", 84.0), ("MACs", 84.0), ("receptive field", 74.0))
COLUMN_GAP = 15.0
_HEAT_COLUMN = 92.0


class Band(Frozen):
    """The rows of a net that share a line of numbers; where they are drawn, and the middle of each
    of their blocks."""

    rows: list[Path]
    top: float
    bottom: float
    blocks: list[tuple[float, Fork]]
    is_card: bool
    again: bool = False  # its beginning stands in another column

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def _is_card(blocks: list[tuple[float, Fork]]) -> bool:
    """Whether rows have blocks of several paths, or blocks that repeat."""
    return len(blocks) > 1 or any(
        len(fork.links) > 1 or fork.repeat.count > 1 for _, fork in blocks
    )


def bands_of(
    rows: list[tuple[list[Path], list[FigurePart]]], placement: Placement
) -> list[Band]:
    """The rows as drawn, with the blocks that stand in them."""
    where = placement.where
    boxes = sorted(
        (placed.y, abs(placed.x), placed.height)
        for placed in placement.parts
        if isinstance(placed.part, Tile | OpBox)
    )
    out = []
    for paths, units in rows:
        mine = [where[id(unit)] for unit in units]
        chains = [unit.parts for unit in of_type(Chain, units)]
        blocks = [
            (_middle(where[id(part)], boxes), part)
            for part in of_type(Fork, flatten(chains))
        ]
        top = min(unit.y for unit in mine)
        bottom = max(unit.bottom for unit in mine)
        out.append(Band(paths, top, bottom, blocks, _is_card(blocks)))
    return out


def _middle(
    block: Placed, boxes: list[tuple[float, float, float]]
) -> float:
    """The height of the middle of a block's first box."""
    first = bisect_left(boxes, (block.y, 0.0, 0.0))
    if first < len(boxes) and boxes[first][0] < block.bottom:
        return boxes[first][0] + boxes[first][2] / 2
    return block.middle


def largest_map(plan: Plan) -> Shape:
    """The input with the most cells, a map if there is one: what sizes are drawn against."""
    return max(
        plan.inputs.values(), key=lambda shape: (len(shape), *shape[1:])
    )


def columns(
    plan: Plan, paint: Sequence[Heat] = ()
) -> list[tuple[str, float]]:
    """The columns of numbers, each with its width: what the figure is painted with comes first."""
    shown = COLUMNS if has_maps(plan) else COLUMNS[:2]
    return [*((heat.name, _HEAT_COLUMN) for heat in _new(paint)), *shown]


def _new(paint: Sequence[Heat]) -> list[Heat]:
    """What has no column of its own yet."""
    return [heat for heat in paint if heat.name not in dict(COLUMNS)]


def has_maps(plan: Plan) -> bool:
    """Whether an input has places, of which a node can see a part."""
    return len(largest_map(plan)) > 1


def labels(scene: Scene, band: Band, top: float, x: float) -> None:
    """The row's name and what it is made of, and beside each block which of the row's it is."""
    name = ", ".join(each_name(band.rows))
    room = GUTTER - 8
    if not band.is_card:
        middle = top + band.middle
        scene.add(
            Text(
                x,
                middle + 3.5,
                text.fit(name, 9.75, room),
                9.75,
                fill="muted",
            )
        )
        return
    y = top + band.top
    size = 11 if text.width(name, 11, 600) <= room else 9.75
    scene.add(Text(x, y + 7, text.fit(name, size, room, 600), size, 600))
    counts: Counter[str] = Counter()
    for _, fork in band.blocks:
        counts[fork.kind or "inline"] += fork.repeat.count
    kinds = "continued" if band.again else ", ".join(counts)
    kinds = (
        kinds
        if text.width(kinds, 9.75) <= room
        else counts.most_common(1)[0][0]
    )
    scene.add(
        Text(x, y + 20, text.fit(kinds, 9.75, room), 9.75, fill="muted")
    )
    for middle, fork in band.blocks:
        _which(scene, fork, (x, top + middle), y + 33, room)


def _which(
    scene: Scene, fork: Fork, at: Point, top: float, room: float
) -> None:
    """`blocks 2–36`, and how many they are: a pill where they are equal, plain words where they
    only are alike."""
    run = fork.repeat
    above = 9 if not run.equal else 6 if run.count > 1 else -3.5
    x = at[0]
    y = max(at[1], top + max(above, 0))
    if fork.label:
        scene.add(Text(x, y - above, fork.label, 9.75, fill="muted"))
    if not run.equal:
        what, change = run.differences
        scene.add(
            Text(x, y + 4, text.fit(what, 9.5, room), 9.5, fill="muted")
        )
        scene.add(
            Text(x, y + 17, text.fit(change, 9.5, room, 600), 9.5, 600)
        )
    elif run.count > 1:
        box = Rect(
            x, y, text.width(run.short, 10.5, 700) + 15, 17.5, 8.75, "pill"
        )
        scene.add(*badge(box, y + 12.4, run.short, "on-pill", 10.5, 700))


class BandFacts(Frozen, dict=True):
    """What the shapes and numbers beside the rows of a net are taken from."""

    plan: Plan
    seen: Mapping[str, ReceptiveField]
    paint: Sequence[Heat] = ()

    @cached_property
    def longest(self) -> int:
        """The longest side that is drawn: that of the input, but where a net makes maps larger."""
        nodes = self.plan.graph.nodes
        drawn = [nodes[row.output].shape for row in self.plan.graph.rows]
        return max(
            *largest_map(self.plan)[1:][-2:],
            *flatten(shape[1:][-2:] for shape in drawn),
            2,
        )


GLYPH = 50.0
"""The room for a map drawn as a box, before its shape in numbers."""


def shape(
    scene: Scene, facts: BandFacts, band: Band, top: float, glyph: float
) -> None:
    """The shape that a band hands on, with `GLYPH` or 0 for its box, and which output it is; `top`
    is that of the drawing."""
    graph = facts.plan.graph
    end = graph.nodes[band.rows[-1].output]
    middle = top + band.middle
    at = MARGIN + 4 + glyph, middle
    if glyph and len(end.shape) > 1:
        scene.add(*_glyph(at[0] - glyph, middle, end.shape, facts.longest))
    _shape(scene, end.shape, at)
    _mark(scene, graph, band, at)


class RowNumber(Frozen):
    """A number beside a row: as it is written, "" for nothing; its share of the net's, in words
    and from 0 to 1, where it has one."""

    said: str
    share_said: str = ""
    share: float | None = None


def row_numbers(facts: BandFacts, rows: list[Path]) -> list[RowNumber]:
    """What stands in each of `columns` beside some rows."""
    plan = facts.plan
    nodes = [*plan.graph.nodes_of(*rows)]
    cost = total(nodes)
    shares = (cost.params, plan.params), (cost.macs, plan.macs)
    names = each_name(nodes)
    out = [_heat(heat, names) for heat in _new(facts.paint)]
    out += [
        _share(quantity.short(part), part, whole) for part, whole in shares
    ]
    if has_maps(plan):
        out.append(RowNumber(facts.seen[rows[-1].output].text()))
    return out


def _share(said: str, part: float, whole: float) -> RowNumber:
    share = part / whole if whole else 0
    return RowNumber(
        said if share else "", quantity.percent(part, whole), share
    )


def _heat(heat: Heat, nodes: list[str]) -> RowNumber:
    """What the nodes of a band have of that with which the figure is painted: a sum and its share,
    or the range."""
    if heat.combine == "sum":
        part, whole = (
            heat.of(names) or (0.0, 0.0) for names in (nodes, heat.values)
        )
        return _share(heat.said(part[0]), part[0], whole[0])
    found = sorted(
        heat.values[name] for name in nodes if name in heat.values
    )
    ends = dict.fromkeys(map(heat.said, found[:1] + found[-1:]))
    return RowNumber(" to ".join(ends))


def numbers(scene: Scene, facts: BandFacts, band: Band, at: Point) -> None:
    """The costs of a band with their shares, and what one of its outputs sees; `at` is where the
    numbers begin, and the top of the drawing."""
    x, top = at
    middle = top + band.middle
    beside = columns(facts.plan, facts.paint)
    for (_, wide), told in zip(
        beside, row_numbers(facts, band.rows), strict=True
    ):
        _number(scene, (x, middle), wide, told)
        x += wide + COLUMN_GAP


def _number(scene: Scene, at: Point, wide: float, told: RowNumber) -> None:
    """A number and its share, in words and as a bar."""
    x, y = at
    if not told.said:
        scene.add(Text(x, y + 4, "–", 9.75, fill="muted"))
        return
    if told.share is None:
        scene.add(Text(x, y + 4, told.said, 9.75, 600))
        return
    length = max(2.2, wide * told.share)
    scene.add(
        Text(x, y - 2, told.said, 9.75, 600),
        Text(
            x + wide,
            y - 2,
            told.share_said,
            9.5,
            fill="muted",
            anchor="end",
        ),
        Rect(x, y + 4, wide, 4.4, 2.2, "track"),
        Rect(x, y + 4, length, 4.4, min(2.2, length / 2), "bar"),
    )


def _mark(scene: Scene, graph: Graph, band: Band, at: Point) -> None:
    """Which of several outputs a row gives, below the shape."""
    x, y = at
    rows = set(each_name(band.rows))
    for place, output in enumerate(graph.outputs, 1):
        if graph.several and output.row in rows:
            said = "in training" if output.aux else f"output {place}"
            lower = 27 if len(graph.shape(output.node)) == 3 else 17
            scene.add(Text(x, y + lower, said, 9.5, 600, "pill"))


def _shape(scene: Scene, shape: Shape, at: Point) -> None:
    x, y = at
    channels, *size = shape
    scene.add(Text(x, y + (1 if size else 4), str(channels), 12, 600))
    if size:
        cells = (" × " if len(size) < 3 else "×").join(map(str, size))
        scene.add(Text(x, y + 14, cells, 9.75, fill="muted"))


def _glyph(
    x: float, y: float, shape: Shape, longest: int
) -> list[Primitive]:
    """A map as a box, a sequence as a bar, a volume as a stack of boxes."""
    depth = min(3.5 + 2.3 * max(log2(shape[0]) - 4, 0), 22)
    if len(shape) == 2:
        length = 5 + 35 * _scale(shape[1:], longest) ** 1.7
        return [
            Rect(x, y - depth / 2, length, depth, 1.5, "glyph", "edge", 0.9)
        ]
    side = 5 + 27 * _scale(shape[-2:], longest) ** 1.7
    sheets = 1 if len(shape) == 3 else min(4, ceil(log2(shape[1] + 1)))
    if sheets == 1:
        return _box_glyph(x, y, side, depth)
    thin = max(1.5, depth / sheets / 2)
    return [
        *flatten(
            _box_glyph(x + 3 * sheet, y - 2.2 * sheet + sheets, side, thin)
            for sheet in reversed(range(sheets))
        )
    ]


def _scale(size: Shape, longest: int) -> float:
    """How large a map is drawn, from 0 to 1. Halving a map takes a step off the glyph's side,
    doubling the channels adds one to its depth: on a linear scale all but the first stages would be
    dots. A power of it keeps small maps apart."""
    return log2(max(*size, 1) + 1) / log2(longest + 1)


def _box_glyph(
    x: float, middle: float, side: float, depth: float
) -> list[Primitive]:
    """A small box, as large as a map and as deep as it has channels: top, side and front about a
    middle height."""
    wide = side * 0.66
    rise = depth * 0.6
    low = middle + (side + rise) / 2
    high = middle + (rise - side) / 2
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
    return [
        Polygon(face, "glyph", "edge", 0.9) for face in (top, right, front)
    ]
