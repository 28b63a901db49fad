"""A plan → its stage or block view: rows as cards on one spine, and beside them shapes, costs and receptive fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log2
from typing import TYPE_CHECKING

from ...graph import Path
from ...passes.receptive_field import ReceptiveField, receptive_fields
from . import quantity, text
from .layout import OPS, Placed, Rhythm, place, tile_width
from .legend import Legend
from .page import MARGIN, caption, header, shortcut_kinds, unit_words
from .paint import box_glyph, paint
from .parts import Chain, Fork, Link, OpBox, Part, Row, Tile
from .scene import Line, Rect, Scene, Text
from .view import Builder, View, check_names

if TYPE_CHECKING:
    from ...plan import Plan

RHYTHM = Rhythm(inner=OPS)
NARROWEST = 780.0
_SHAPES, _GUTTER, _CARD_PAD = 114.0, 98.0, 14.0
_COLUMNS = (("parameters", 84.0), ("MACs", 84.0), ("receptive field", 74.0))
_COLUMN_GAP = 15.0


@dataclass(frozen=True, slots=True)
class Band:
    """The rows of a net that share a line of numbers; where they and their blocks are drawn."""

    rows: list[Path]
    top: float
    bottom: float
    blocks: list[tuple[Placed, Fork]]

    @property
    def is_card(self) -> bool:
        """Whether the rows have blocks of several paths, or blocks that repeat."""
        forks = [fork for _, fork in self.blocks]
        return len(forks) > 1 or any(len(f.links) > 1 or (f.repeat and f.repeat.count > 1) for f in forks)


@dataclass(frozen=True, slots=True)
class Broken:
    """The row at which a net goes wrong, and what to say of it, a line each."""

    row: str
    said: tuple[str, ...]


def draw(plan: Plan, view: View, expand: tuple[str, ...], width: float | None, broken: Broken | None = None) -> Scene:
    """The scene of the `stages`, the `blocks` or the `ops` view; with what is `broken` at its end."""
    graph = plan.graph
    builder = Builder(graph, view, check_names(graph, expand))
    net = builder.net()
    if broken:
        _add_broken(net, broken)
    mark_sheets(net)
    rhythm = OPS if view == "ops" else RHYTHM
    rhythm = replace(rhythm, tile_width=max([rhythm.tile_width, *(tile_width(tile, rhythm) for tile in _tiles(net))]))
    placement = place(net, rhythm)
    bands = _bands(builder, placement.parts)
    left = MARGIN + _SHAPES + _CARD_PAD + _GUTTER
    reach_left = max(placement.left, rhythm.tile_width / 2)
    spine = left + reach_left
    metrics = sum(wide for _, wide in _COLUMNS) + _COLUMN_GAP * (len(_COLUMNS) - 1)
    card_right = spine + max(placement.right + 22, rhythm.tile_width / 2 + 74)
    total = max(width or NARROWEST, card_right + 20 + metrics + MARGIN)
    metrics_x = total - MARGIN - metrics
    seen = receptive_fields(graph)
    scene = Scene(total, 0, plan.name, caption(plan))
    y = header(scene, plan, total)
    _column_heads(scene, y + 28, metrics_x, total, len(plan.input) == 3)
    top = y + 36 + 17
    card = (MARGIN + _SHAPES, min(card_right, metrics_x - 18))
    _cards(scene, bands, top, card)
    paint(scene, placement, spine, top, rhythm)
    for band in bands:
        _labels(scene, band, top, card[0] + _CARD_PAD, placement.parts)
        _numbers(scene, plan, band, seen, top, metrics_x)
    shown = Legend(unit_words(graph))
    shown.gather(placement, shortcut_kinds(graph))
    bottom = top + placement.height + 30
    for line in broken.said if broken else ():
        scene.add(Text(MARGIN, bottom, text.fit(line, 10.5, total - 2 * MARGIN, 500), 10.5, 500, "broken"))
        bottom += 16
    scene.height = shown.draw(scene, bottom) + 10
    return scene


def _tiles(net: Fork) -> Iterator[Tile]:
    """Every tile of a net."""
    stack: list[Part] = [net]
    while stack:
        part = stack.pop()
        if isinstance(part, Tile):
            yield part
        elif isinstance(part, Chain | Fork):
            stack += part.parts if isinstance(part, Chain) else part.units


def _add_broken(net: Fork, broken: Broken) -> None:
    """The row that does not fit, in red, and a red edge into it."""
    row = Row(broken.row, "broken", broken.row, title=" ".join(broken.said))
    net.units.append(Tile(f"{broken.row}-tile", [row]))
    last = len(net.units) - 1
    net.links.append(Link(net.result, last, broken=True))
    net.result, net.breaks = last, net.breaks | {last}


def mark_sheets(net: Fork) -> None:
    """Put sheets behind the tiles of blocks that are drawn for several."""
    for row in net.units:
        for part in row.parts if isinstance(row, Chain) else ():
            if isinstance(part, Fork) and part.repeat and part.repeat.count > 1:
                for unit in part.units:
                    if isinstance(unit, Tile):
                        unit.sheets = True
                        break


def _bands(builder: Builder, placed: list[Placed]) -> list[Band]:
    """The rows as drawn, with the blocks that stand in them."""
    where = {id(p.part): p for p in placed}
    out = []
    for rows, units in builder.bands:
        mine = [where[id(unit)] for unit in units]
        parts = [part for unit in units if isinstance(unit, Chain) for part in unit.parts]
        blocks = [(where[id(part)], part) for part in parts if isinstance(part, Fork)]
        out.append(Band(rows, min(p.y for p in mine), max(p.bottom for p in mine), blocks))
    return out


def _cards(scene: Scene, bands: list[Band], top: float, card: tuple[float, float]) -> None:
    for band in bands:
        if band.is_card:
            y, bottom = top + band.top - 12, top + band.bottom + 7
            scene.add(Rect(card[0], y, card[1] - card[0], max(bottom - y, 72), 10, "card"))


def _column_heads(scene: Scene, y: float, x: float, width: float, seen: bool) -> None:
    scene.add(Text(MARGIN + 3, y, "output", 9.5, 500, "muted"))
    for name, wide in _COLUMNS if seen else _COLUMNS[:2]:
        scene.add(Text(x, y, name, 9.5, 500, "muted"))
        x += wide + _COLUMN_GAP
    scene.add(Line(((MARGIN, y + 8), (width - MARGIN, y + 8)), "rule", 1))


def _labels(scene: Scene, band: Band, top: float, x: float, placed: list[Placed]) -> None:
    """The row's name and what it is made of, and beside each block which of the row's it is."""
    name = ", ".join(row.name for row in band.rows)
    room = _GUTTER - 8
    if not band.is_card:
        middle = top + (band.top + band.bottom) / 2
        scene.add(Text(x, middle + 3.5, text.fit(name, 9.75, room), 9.75, fill="muted"))
        return
    y = top + band.top
    scene.add(Text(x, y + 7, text.fit(name, 11, room, 600), 11, 600))
    counts: Counter[str] = Counter()
    for _, fork in band.blocks:
        counts[fork.kind or "inline"] += fork.repeat.count if fork.repeat else 1
    kinds = ", ".join(counts)
    kinds = kinds if text.width(kinds, 9.75) <= room else counts.most_common(1)[0][0]
    scene.add(Text(x, y + 20, text.fit(kinds, 9.75, room), 9.75, fill="muted"))
    for where, fork in band.blocks:
        _which(scene, fork, max(top + _middle(where, placed), y + 33), x, room)


def _middle(block: Placed, placed: list[Placed]) -> float:
    """The height of the middle of a block's first tile."""
    for p in placed:
        if isinstance(p.part, Tile | OpBox) and block.y <= p.y and p.bottom <= block.bottom + 0.01:
            return p.y + p.height / 2
    return block.y + block.height / 2


def _which(scene: Scene, fork: Fork, y: float, x: float, room: float) -> None:
    """`blocks 2–36`, and how many they are: a pill where they are equal, plain words where they only are alike."""
    run = fork.repeat
    if run is None or run.count == 1:
        scene.add(*([Text(x, y + 3.5, fork.label, 9.75, fill="muted")] if fork.label else []))
        return
    if run.equal:
        scene.add(Text(x, y - 6, fork.label or f"blocks 1–{run.last}", 9.75, fill="muted"))
        said = f"× {run.count}"
        wide = text.width(said, 10.5, 700) + 15
        scene.add(Rect(x, y, wide, 17.5, 8.75, "pill"))
        scene.add(Text(x + wide / 2, y + 12.4, said, 10.5, 700, "on-pill", "middle"))
        return
    what, change = run.differences
    scene.add(Text(x, y - 9, fork.label or f"blocks 1–{run.last}", 9.75, fill="muted"))
    scene.add(Text(x, y + 4, text.fit(what, 9.5, room), 9.5, fill="muted"))
    scene.add(Text(x, y + 17, text.fit(change, 9.5, room, 600), 9.5, 600))


def _numbers(scene: Scene, plan: Plan, band: Band, seen: dict[str, ReceptiveField], top: float, x: float) -> None:
    """The shape that a band hands on, its costs with their shares, and what one of its outputs sees."""
    graph = plan.graph
    nodes = [node for row in band.rows for node in graph.nodes_of(row)]
    end = graph.nodes[band.rows[-1].output]
    middle = top + (band.top + band.bottom) / 2
    _shape(scene, end.shape, middle, plan.input)
    for (_, wide), part, whole in (
        (_COLUMNS[0], sum(n.cost.params for n in nodes), plan.params),
        (_COLUMNS[1], sum(n.cost.macs for n in nodes), plan.macs),
    ):
        _bar(scene, x, middle, wide, part, whole)
        x += wide + _COLUMN_GAP
    if len(graph.nodes[graph.input].shape) == 3:
        scene.add(Text(x, middle + 4, seen[end.name].text(), 9.75, 600))


def _bar(scene: Scene, x: float, y: float, wide: float, part: int, whole: int) -> None:
    if not part:
        scene.add(Text(x, y + 4, "–", 9.75, fill="muted"))
        return
    scene.add(Text(x, y - 2, quantity.short(part), 9.75, 600))
    scene.add(Text(x + wide, y - 2, quantity.percent(part, whole), 9.5, fill="muted", anchor="end"))
    scene.add(Rect(x, y + 4, wide, 4.4, 2.2, "track"))
    scene.add(Rect(x, y + 4, max(2.2, wide * part / whole), 4.4, min(2.2, max(2.2, wide * part / whole) / 2), "bar"))


def _shape(scene: Scene, shape: tuple[int, ...], y: float, image: tuple[int, ...]) -> None:
    x = MARGIN + 4
    if len(shape) == 1:
        scene.add(Text(x + 50, y + 4, str(shape[0]), 12, 600))
        return
    channels, height, across = shape
    scale = log2(max(height, across, 1) + 1) / log2(max(*image[-2:], 2) + 1)
    side = 5 + 27 * scale**1.7
    depth = min(3.5 + 2.3 * max(log2(channels) - 4, 0), 22)
    scene.add(*box_glyph(x, y, side, depth))
    scene.add(Text(x + 50, y + 1, str(channels), 12, 600))
    scene.add(Text(x + 50, y + 14, f"{height} × {across}", 9.75, fill="muted"))
