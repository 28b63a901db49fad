"""Several plans → one figure, as the ResNet paper's Figure 3: side by side, level where maps are of
one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import log2
from typing import TYPE_CHECKING

from ....errors import UsageError
from ....graph import Block, Graph
from ....passes.compare import compare
from .. import text
from ..content import quantity
from ..content.comparison_builder import StripBuilder
from ..content.parts import Fork, Join, Strip, walk
from ..content.rows import layers_of, main_node
from ..layout.geometry import Placed, Placement, Rhythm
from ..layout.tree import place
from ..scene import Group, Rect, Scene, Text
from ..style import WIDTH_STEPS
from .header import MARGIN, caption, macs_text, shortcut_kinds
from .legend import Legend
from .paint import paint

if TYPE_CHECKING:
    from ....plan import Plan

RHYTHM = Rhythm(
    row=15.5, tile_width=112, capsule=15.5, join=4, tight=4.5, loose=12, split=5, after_split=11,
    before_join=3.5, lane=20, lane_step=9, column_gap=22, unit_gap=13, unit_gap_split=4,
    note_gap=12, size=9.5,
)  # fmt: skip
MOST_BLOCKS = 36
"""A net of more blocks than this is drawn with equal neighbours folded."""
_LABELS, _TOP, _PAD, _GAP, _SIGN = 92.0, 92.0, 13.0, 52.0, 14.0
Size = tuple[int, ...]


@dataclass(slots=True)
class Column:
    """One net: its units in one column, each with the size of the map that it gives."""

    plan: Plan
    net: Fork
    sizes: list[Size]
    runs: list[Fork]
    level: list[int]
    placement: Placement


def draw(
    plans: Sequence[Plan], width: float | None, marks: Sequence[Mapping[str, str]] = ()
) -> Scene:
    """The scene of several nets side by side; `marks` says for each net which of its nodes to mark,
    and how."""
    if not plans:
        raise UsageError("nothing to compare: name at least one net")
    widths = _width_steps(plans)
    each = marks or [{}] * len(plans)
    columns = [
        _column(plan, widths, mark, bool(marks))
        for plan, mark in zip(plans, each, strict=True)
    ]
    sizes = _common([[size for size, _ in groupby(column.sizes)] for column in columns])
    tops, bottoms = _level(columns, sizes)
    room = _SIGN if marks else 0
    spines, total = _spines(columns, room)
    scene = Scene(
        max(total, width or 0),
        0,
        " and ".join(p.name for p in plans),
        " ".join(caption(p) for p in plans),
    )
    for index, size in enumerate(sizes):
        _band(scene, index, size, _TOP + tops[index], _TOP + bottoms[index])
    for number, (column, spine) in enumerate(zip(columns, spines, strict=True), 1):
        _head(scene, column.plan, spine)
        start = len(scene.items)
        paint(scene, column.placement, spine, _TOP, RHYTHM)
        for item in scene.items[start:]:
            # names are unique in a net, and ids must be in a picture
            if isinstance(item, Group):
                item.name = f"{number}:{item.name}"
        _repeats(scene, column, spine, room)
    shown = Legend(widths={step: value for value, step in sorted(widths.items())})
    shown.marks |= {kind for mark in marks for kind in mark.values()}
    for column in columns:
        shown.gather(column.placement, shortcut_kinds(column.plan.graph))
    scene.height = shown.draw(scene, _TOP + bottoms[-1] + 22) + 10
    return scene


def differences(before: Plan, after: Plan) -> Scene:
    """The scene of two nets with what was removed, added and changed marked in both."""
    marks: list[dict[str, str]] = [{}, {}]
    for change in compare(before.graph, after.graph):
        kind = "changed" if change.kind == "shape" else change.kind
        for side, node in enumerate((change.before, change.after)):
            if node:
                marks[side][change.name] = kind
    return draw([before, after], None, marks)


def _width_steps(plans: Sequence[Plan]) -> dict[int, int]:
    """For each width of a convolution a lightness: one each where they are few, else by powers of
    two."""
    found: set[int] = set()
    for plan in plans:
        found |= {
            n.shape[0] for n in plan.graph.nodes.values() if n.op.family == "conv"
        }
    ordered = sorted(found)
    if len(ordered) <= WIDTH_STEPS:
        return {width: step for step, width in enumerate(ordered)}
    low, high = log2(ordered[0]), log2(ordered[-1])
    return {
        w: min(int((log2(w) - low) / (high - low) * WIDTH_STEPS), WIDTH_STEPS - 1)
        for w in ordered
    }


def _column(
    plan: Plan, widths: dict[int, int], marks: Mapping[str, str], fold: bool
) -> Column:
    graph = plan.graph
    blocks = sum(
        1 for row in graph.rows for item in row.items if isinstance(item, Block)
    )
    builder = StripBuilder(
        graph, "stages" if fold or blocks > MOST_BLOCKS else "blocks", marks
    )
    net = builder.net()
    steps = {}
    for layer in layers_of(graph):
        node = main_node(graph, layer)
        if node.op.family == "conv":
            steps[layer.name] = widths[node.shape[0]]
    runs = []
    for part in walk(net):
        if isinstance(part, Strip):
            part.row = replace(part.row, step=steps.get(part.row.name, -1))
            part.mark = _mark(graph, part.row.name, marks)
        elif isinstance(part, Join):
            part.mark = marks.get(part.name, "")
        elif isinstance(part, Fork) and part.repeat and part.repeat.count > 1:
            runs.append(part)
    sizes = [_size(graph.nodes[name].shape) for name in builder.outputs]
    return Column(plan, net, sizes, runs, [], place(net, RHYTHM))


def _mark(graph: Graph, name: str, marks: Mapping[str, str]) -> str:
    """The mark of a layer or of a folded block: that of its nodes, or `changed` where they differ
    in theirs."""
    if not marks:
        return ""
    mine = {
        marks.get(node, "")
        for node in graph.nodes
        if node == name or node.startswith(name + ".")
    }
    return mine.pop() if len(mine) == 1 else "changed"


def _size(shape: tuple[int, ...]) -> Size:
    """Height and width; a vector counts as one cell."""
    return shape[1:] if len(shape) == 3 else (1, 1)


def _common(sequences: list[list[Size]]) -> list[Size]:
    """A shortest sequence that holds every net's sequence of sizes in its order, merged net by
    net."""
    out: list[Size] = sequences[0]
    for other in sequences[1:]:
        out = _merged(out, other)
    return out


def _merged(a: list[Size], b: list[Size]) -> list[Size]:
    """The shortest common supersequence of two sequences."""
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            best[i][j] = (
                best[i + 1][j + 1] + 1
                if a[i] == b[j]
                else max(best[i + 1][j], best[i][j + 1])
            )
    out, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            out.append(a[i])
            i, j = i + 1, j + 1
        elif (best[i + 1][j], a[i]) >= (best[i][j + 1], b[j]):
            out.append(a[i])
            i += 1
        else:
            out.append(b[j])
            j += 1
    return out + a[i:] + b[j:]


def _level(columns: list[Column], sizes: list[Size]) -> tuple[list[float], list[float]]:
    """Where each size's band begins and ends; every net is laid out again with its units in their
    bands."""
    heights = [0.0] * len(sizes)
    for column in columns:
        column.level = _levels(column.sizes, sizes)
        tops, bottoms = _extents(column)
        for level in tops:
            heights[level] = max(heights[level], bottoms[level] - tops[level])
    starts, ends, y = [], [], 0.0
    for height in heights:
        starts.append(y)
        y += max(height + 2 * _PAD, 36 if len(starts) > 1 else 48)
        ends.append(y)
    for column in columns:
        floors: dict[int, float] = {}
        for unit, level in enumerate(column.level):
            if unit == 0 or column.level[unit - 1] != level:
                floors[unit] = starts[level] + _PAD
        column.net.floors = floors
        column.placement = place(column.net, RHYTHM)
    return starts, ends


def _levels(mine: list[Size], sizes: list[Size]) -> list[int]:
    """For each unit the band that it stands in."""
    out, level = [], 0
    for size in mine:
        while sizes[level] != size:
            level += 1
        out.append(level)
    return out


def _extents(column: Column) -> tuple[dict[int, float], dict[int, float]]:
    """For each band of a column its least top and its greatest bottom, as laid out without
    bands."""
    where = {id(p.part): p for p in column.placement.parts}
    tops: dict[int, float] = {}
    bottoms: dict[int, float] = {}
    for unit, level in zip(column.net.units, column.level, strict=True):
        placed = where[id(unit)]
        tops.setdefault(level, placed.y)
        bottoms[level] = max(bottoms.get(level, 0.0), placed.bottom)
    return tops, bottoms


def _spines(columns: list[Column], room: float) -> tuple[list[float], float]:
    """The x of each net's spine, and the width of the figure; `room` is for the signs at the left
    of what differs."""
    x, out = MARGIN + _LABELS, []
    for column in columns:
        title = (
            max(
                text.width(column.plan.name, 14, 700),
                text.width(_totals(column.plan), 9.75),
            )
            / 2
        )
        folded = max((_pill(fork)[1] + 7 for fork in column.runs), default=0.0)
        left = max(column.placement.left + room + folded, title)
        out.append(x + left)
        x += left + max(column.placement.right, title) + _GAP
    return out, max(x - _GAP + MARGIN, 560.0)


def _totals(plan: Plan) -> str:
    return f"{macs_text(plan.macs)} · {quantity.short(plan.params)} params"


def _head(scene: Scene, plan: Plan, x: float) -> None:
    scene.add(Text(x, 48, plan.name, 14, 700, anchor="middle"))
    scene.add(Text(x, 65, _totals(plan), 9.75, fill="muted", anchor="middle"))


def _band(scene: Scene, index: int, size: Size, top: float, bottom: float) -> None:
    if index % 2 == 0:
        scene.add(
            Rect(
                MARGIN - 14, top, scene.width - 2 * MARGIN + 28, bottom - top, 7, "card"
            )
        )
    scene.add(Text(MARGIN, top + 23, quantity.times(size), 11, 600))
    if index == 0:
        scene.add(Text(MARGIN, top + 36, "output size", 9.5, fill="muted"))


def _pill(fork: Fork) -> tuple[str, float]:
    """What stands beside a block that stands for several, and how wide its pill is."""
    run = fork.repeat
    said = (
        f"× {run.count}" if run and run.equal else f"{run.count} alike" if run else ""
    )
    return said, text.width(said, 9.5, 700) + 13


def _repeats(scene: Scene, column: Column, x: float, room: float) -> None:
    """`× 35` at the left of a block that stands for several, and of the signs of what differs in
    it."""
    where: dict[int, Placed] = {id(p.part): p for p in column.placement.parts}
    for fork in column.runs:
        placed, (said, wide) = where[id(fork)], _pill(fork)
        right, y = x - placed.left - 7 - room, _TOP + placed.y + placed.height / 2 - 8
        fill, ink = (
            ("pill", "on-pill")
            if fork.repeat and fork.repeat.equal
            else ("rule", "ink")
        )
        scene.add(Rect(right - wide, y, wide, 16, 8, fill))
        scene.add(Text(right - wide / 2, y + 11.3, said, 9.5, 700, ink, "middle"))
