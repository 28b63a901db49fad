"""Several plans → one figure, as the ResNet paper's Figure 3: side by side, level where maps are of
one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ....collecting import each_name, flatten, of_type, the_only
from ....dotted import scope_of
from ....errors import UsageError
from ....graph import Graph
from ....passes.compare import compare
from .. import text
from ..content import quantity
from ..content.builder import View
from ..content.comparison_builder import StripBuilder, is_within
from ..content.differing import differing
from ..content.heating import HeatScale, warm
from ..content.parts import Fork, Join, Strip, walk
from ..content.rows import blocks_in, main_node
from ..content.unit import layers_of
from ..layout.geometry import Placement, Rhythm, heat_room
from ..layout.tree import place
from ..scene import Rect, Scene, ShapeGroup, Text, badge
from ..style import WIDTH_STEPS
from .header import MARGIN, caption, short_macs, shortcut_kinds
from .legend import Legend
from .levels import MapSize, common, levels
from .paint import paint

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat

RHYTHM = Rhythm(
    row=15.5, tile_width=112, capsule=15.5, join=4, tight=4.5, loose=12, split=5, after_split=11,
    before_join=3.5, lane=20, lane_step=9, column_gap=22, unit_gap=13, unit_gap_split=4,
    note_gap=12, size=9.5,
)  # fmt: skip
MOST_BLOCKS = 36
"""A net of more blocks than this is drawn with equal neighbours folded."""
_LABELS, _TOP, _PAD, _GAP, _SIGN, _LINE = 92.0, 92.0, 13.0, 52.0, 14.0, 14.0


class Column(Struct):
    """One net: its units in one column, each with the size of the map that it gives."""

    plan: Plan
    net: Fork
    sizes: list[MapSize]
    runs: list[Fork]
    level: list[int]
    placement: Placement
    said: list[str]
    rhythm: Rhythm = RHYTHM

    @property
    def top(self) -> float:
        """Where the drawing begins, below what is said."""
        return _TOP + _LINE * len(self.said)


def draw(
    plans: Sequence[Plan],
    width: float | None,
    marks: Sequence[Mapping[str, str]] = (),
    heats: Sequence[Heat] = (),
) -> Scene:
    """The scene of several nets side by side; `marks` says for each net which of its nodes to mark,
    and how, `heats` with what it is painted, all on one scale."""
    if not plans:
        raise UsageError("nothing to compare: name at least one net")
    widths = _width_steps(plans)
    each = marks or [{}] * len(plans)
    said = differing([plan.graph for plan in plans])
    columns = [
        _column(plan, widths, mark, lines, fold=bool(marks))
        for plan, mark, lines in zip(plans, each, said, strict=True)
    ]
    scale = _warmed(columns, heats) if heats else None
    sizes = common([column.sizes for column in columns])
    bands = _level(columns, sizes)
    room = _SIGN if marks else 0
    spines, total = _spines(columns, room)
    title = " and ".join(each_name(plans))
    scene = Scene(
        max(total, width or 0), 0, title, " ".join(map(caption, plans))
    )
    _bands(scene, sizes, bands, columns[0].top)
    for number, (column, spine) in enumerate(
        zip(columns, spines, strict=True), 1
    ):
        _net(scene, column, spine, number)
        _repeats(scene, column, spine, room)
    shown = _legend(columns, {} if scale else widths, marks)
    shown.scale = scale
    scene.height = (
        shown.draw(scene, columns[0].top + bands[-1][1] + 22) + 10
    )
    return scene


def _warmed(
    columns: list[Column], heats: Sequence[Heat]
) -> HeatScale | None:
    """Paint the nets, and leave room for the numbers."""
    scale = warm(
        [
            (column.net, column.plan.graph, heat)
            for column, heat in zip(columns, heats, strict=True)
        ]
    )
    for column in columns:
        room = heat_room(walk(column.net))
        column.rhythm = replace(RHYTHM, heat=room)
        column.placement = place(column.net, column.rhythm)
    return scale


def _legend(
    columns: list[Column],
    widths: Mapping[int, int],
    marks: Sequence[Mapping[str, str]],
) -> Legend:
    shown = Legend(
        widths={step: value for value, step in sorted(widths.items())}
    )
    for mark in marks:
        shown.marks.update(mark.values())
    for column in columns:
        shown.gather(column.placement, shortcut_kinds(column.plan.graph))
    return shown


def _net(scene: Scene, column: Column, x: float, number: int) -> None:
    """One net under its name, its spine at `x`."""
    scene.add(Text(x, 48, column.plan.name, 14, 700, anchor="middle"))
    said = _totals(column.plan)
    scene.add(Text(x, 65, said, 9.75, fill="muted", anchor="middle"))
    for nth, line in enumerate(column.said, 1):
        scene.add(Text(x, 65 + _LINE * nth, line, 9.75, anchor="middle"))
    start = len(scene.items)
    paint(scene, column.placement, x, column.top, column.rhythm)
    for item in of_type(ShapeGroup, scene.items[start:]):
        # names are unique in a net, and ids must be in a picture
        item.name = f"{number}:{item.name}"


def differences(before: Plan, after: Plan) -> Scene:
    """The scene of two nets with what was removed, added and changed marked in both."""
    marks: list[dict[str, str]] = [{}, {}]
    for change in compare(before.graph, after.graph).changes:
        for side, node in enumerate((change.before, change.after)):
            # another shape alone follows from what is marked above it
            if node and change.kind != "shape":
                marks[side][node.name] = change.kind
    return draw([before, after], None, marks)


def _width_steps(plans: Sequence[Plan]) -> dict[int, int]:
    """For each width of a convolution a lightness: one each where they are few, else by powers of
    two."""
    nodes = flatten(plan.graph.nodes.values() for plan in plans)
    widths = sorted(
        {node.shape[0] for node in nodes if node.op.family == "conv"}
    )
    if len(widths) <= WIDTH_STEPS:
        return {width: step for step, width in enumerate(widths)}
    low = log2(widths[0])
    high = log2(widths[-1])
    return {
        width: min(
            int((log2(width) - low) / (high - low) * WIDTH_STEPS),
            WIDTH_STEPS - 1,
        )
        for width in widths
    }


def _column(
    plan: Plan,
    widths: dict[int, int],
    marks: Mapping[str, str],
    said: list[str],
    *,
    fold: bool,
) -> Column:
    """One net laid out by itself; folded where that is asked, or it has very many blocks."""
    graph = plan.graph
    many = len(blocks_in(graph.rows)) > MOST_BLOCKS
    view: View = "stages" if fold or many else "blocks"
    builder = StripBuilder(graph, view, marks)
    net = builder.net()
    steps = _steps(graph, widths)
    runs = []
    for part in walk(net):
        match part:
            case Strip():
                name = part.row.name
                part.row = replace(part.row, step=steps.get(name, -1))
                part.mark = _mark(graph, name, marks)
            case Join():
                part.mark = marks.get(part.name, "") or _behind(
                    part.name, marks
                )
            case Fork(repeat=run) if run.count > 1:
                runs.append(part)
    sizes = [graph.shape(name)[1:] or (1, 1) for name in builder.outputs]
    return Column(plan, net, sizes, runs, [], place(net, RHYTHM), said)


def _steps(graph: Graph, widths: Mapping[int, int]) -> dict[str, int]:
    """The step of each convolution's width, by its layer."""
    main = {
        layer.name: main_node(graph, layer) for layer in layers_of(graph)
    }
    return {
        name: widths[node.shape[0]]
        for name, node in main.items()
        if node.op.family == "conv"
    }


def _behind(join: str, marks: Mapping[str, str]) -> str:
    """`changed` for a join whose equation has something before or behind it that is marked."""
    scope = scope_of(join)
    return (
        "changed" if any(is_within(name, scope) for name in marks) else ""
    )


def _mark(graph: Graph, name: str, marks: Mapping[str, str]) -> str:
    """The mark of a layer or of a folded block: that of its nodes, or `changed` where they differ
    in theirs."""
    if not marks:
        return ""
    mine = {
        marks.get(node, "") for node in graph.nodes if is_within(node, name)
    }
    return the_only(mine, "changed")


def _level(
    columns: list[Column], sizes: list[MapSize]
) -> list[tuple[float, float]]:
    """Where each size's band begins and ends; every net is laid out again with its units in their
    bands."""
    heights = [0.0] * len(sizes)
    for column in columns:
        column.level = levels(column.sizes, sizes)
        for level, height in _heights(column).items():
            heights[level] = max(heights[level], height)
    bands: list[tuple[float, float]] = []
    y = 0.0
    for height in heights:
        # the first holds the heading of the sizes as well
        least = 36 if bands else 48
        bands.append((y, y + max(height + 2 * _PAD, least)))
        y = bands[-1][1]
    for column in columns:
        column.net.floors = {
            column.level.index(level): bands[level][0] + _PAD
            for level in set(column.level)
        }
        column.placement = place(column.net, column.rhythm)
    return bands


def _heights(column: Column) -> dict[int, float]:
    """How high each band of a column is, as laid out without bands."""
    where = column.placement.where
    tops: dict[int, float] = {}
    bottoms: dict[int, float] = {}
    for unit, level in zip(column.net.units, column.level, strict=True):
        placed = where[id(unit)]
        tops.setdefault(level, placed.y)
        bottoms[level] = max(bottoms.get(level, 0.0), placed.bottom)
    return {
        level: bottom - tops[level] for level, bottom in bottoms.items()
    }


def _spines(
    columns: list[Column], room: float
) -> tuple[list[float], float]:
    """The x of each net's spine, and the width of the figure; `room` is for the signs at the left
    of what differs."""
    x = MARGIN + _LABELS
    out = []
    for column in columns:
        name = text.width(column.plan.name, 14, 700)
        lines = [_totals(column.plan), *column.said]
        title = max(name, *(text.width(line, 9.75) for line in lines)) / 2
        folded = max(
            (_pill(fork)[1] + 7 for fork in column.runs), default=0.0
        )
        left = max(column.placement.left + room + folded, title)
        out.append(x + left)
        x += left + max(column.placement.right, title) + _GAP
    return out, max(x - _GAP + MARGIN, 560.0)


def _totals(plan: Plan) -> str:
    return f"{short_macs(plan.macs)} · {quantity.short(plan.params)} params"


def _bands(
    scene: Scene,
    sizes: list[MapSize],
    bands: list[tuple[float, float]],
    start: float,
) -> None:
    """The sizes of maps at the left, every other one on a card."""
    width = scene.width - 2 * MARGIN + 28
    for index, (size, (top, bottom)) in enumerate(
        zip(sizes, bands, strict=True)
    ):
        y = start + top
        if index % 2 == 0:
            scene.add(
                Rect(MARGIN - 14, y, width, start + bottom - y, 7, "card")
            )
        scene.add(Text(MARGIN, y + 23, quantity.times(size), 11, 600))
        if index == 0:
            scene.add(
                Text(MARGIN, y + 36, "output size", 9.5, fill="muted")
            )


def _pill(fork: Fork) -> tuple[str, float]:
    """What stands beside a block that stands for several, and how wide its pill is."""
    said = fork.repeat.short
    return said, text.width(said, 9.5, 700) + 13


def _repeats(scene: Scene, column: Column, x: float, room: float) -> None:
    """`× 35` at the left of a block that stands for several, and of the signs of what differs in
    it."""
    where = column.placement.where
    for fork in column.runs:
        placed = where[id(fork)]
        said, wide = _pill(fork)
        left = x - placed.left - 7 - room - wide
        y = column.top + placed.middle - 8
        equal = fork.repeat.equal
        fill, ink = ("pill", "on-pill") if equal else ("rule", "ink")
        scene.add(
            *badge(
                Rect(left, y, wide, 16, 8, fill),
                y + 11.3,
                said,
                ink,
                weight=700,
            )
        )
