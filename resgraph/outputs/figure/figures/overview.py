"""A plan → its stage or block view: rows as cards on one spine, and beside them shapes, costs and
receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....passes.receptive_field import receptive_fields
from .. import text
from ..content.builder import PartBuilder, View, check_names
from ..content.heating import warm
from ..content.parts import Fork, Link, Tile, TileRow, walk
from ..layout.geometry import OPS, Placement, Rhythm
from ..layout.tree import even, place
from ..scene import Line, Rect, Scene, Text
from .header import MARGIN, caption, header, shortcut_kinds, unit_words
from .legend import Legend
from .paint import paint
from .row_annotations import (
    COLUMN_GAP,
    GLYPH,
    GUTTER,
    Band,
    BandFacts,
    bands_of,
    columns,
    labels,
    numbers,
    shape,
)

if TYPE_CHECKING:
    from ....plan import Plan
    from ...heat import Heat

RHYTHM = Rhythm(inner=OPS)
NARROWEST = 780.0
_SHAPES, _CARD_PAD, _TOP, _CROP = 64.0, 14.0, 121.0, 28.0


@dataclass(frozen=True, slots=True)
class Broken:
    """The row at which a net goes wrong, and what to say of it, a line each."""

    row: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where things stand from left to right: the cards, the spine within them, the columns of
    numbers."""

    width: float
    card: tuple[float, float]
    spine: float
    numbers: float


@dataclass(frozen=True, slots=True)
class NetLook:
    """How a whole net is drawn: the `stages`, the `blocks` or the `ops` view, what is unfolded in
    it, the least width; with what is `broken` at its end, or painted with `heat`. A `narrow` one is
    for a column of a paper: without numbers beside it, and hardly a margin."""

    view: View
    expand: tuple[str, ...] = ()
    width: float | None = None
    broken: Broken | None = None
    heat: Heat | None = None
    narrow: bool = False


def draw(plan: Plan, look: NetLook) -> Scene:
    """The scene of a whole net."""
    graph, heat = plan.graph, look.heat
    builder = PartBuilder(graph, look.view, check_names(graph, look.expand))
    net = builder.net()
    if look.broken:
        _add_broken(net, look.broken)
    mark_sheets(net)
    scale = warm([(net, graph, heat)]) if heat else None
    rhythm = even(OPS if look.view == "ops" else RHYTHM, net)
    placement = place(net, rhythm)
    beside = [] if look.narrow else columns(plan, heat)
    glyph = 0 if look.narrow else GLYPH
    least = look.width or (0 if look.narrow else NARROWEST)
    left = MARGIN + _SHAPES + glyph
    sheet = _sheet(placement, rhythm, (left, least), beside)
    scene = Scene(sheet.width, 0, plan.name, caption(plan))
    header(scene, plan, sheet.width)
    _column_heads(scene, _TOP - 25, sheet.numbers, beside)
    bands = bands_of(builder.bands, placement)
    _cards(scene, bands, _TOP, sheet.card)
    paint(scene, placement, sheet.spine, _TOP, rhythm)
    facts = BandFacts(plan, receptive_fields(graph), heat)
    for band in bands:
        labels(scene, band, _TOP, sheet.card[0] + _CARD_PAD)
        shape(scene, plan, band, _TOP, glyph)
        if beside:
            numbers(scene, facts, band, (sheet.numbers, _TOP))
    shown = Legend(unit_words(graph), scale=scale)
    shown.gather(placement, shortcut_kinds(graph))
    bottom = _said(scene, look.broken, _TOP + placement.height + 30)
    scene.height = shown.draw(scene, bottom) + 10
    return scene.cropped(_CROP) if look.narrow else scene


def _sheet(
    placement: Placement,
    rhythm: Rhythm,
    room: tuple[float, float],
    beside: Sequence[tuple[str, float]],
) -> Sheet:
    """As wide as what is drawn and the columns beside it ask for; the cards begin at the first of
    `room`, and the second is the least width."""
    (card, least), half = room, rhythm.tile_width / 2
    spine = card + _CARD_PAD + GUTTER + max(placement.left, half)
    right = spine + max(placement.right + 22, half + 74)
    metrics = sum(wide for _, wide in beside) + COLUMN_GAP * (len(beside) - 1)
    width = max(least, right + 20 + metrics + MARGIN)
    numbers_x = width - MARGIN - metrics
    return Sheet(width, (card, min(right, numbers_x - 18)), spine, numbers_x)


def _said(scene: Scene, broken: Broken | None, y: float) -> float:
    """What is wrong, in words below the drawing; the y below them."""
    for line in broken.said if broken else ():
        said = text.fit(line, 10.5, scene.width - 2 * MARGIN, 500)
        scene.add(Text(MARGIN, y, said, 10.5, 500, "broken"))
        y += 16
    return y


def _add_broken(net: Fork, broken: Broken) -> None:
    """The row that does not fit, in red, and a red edge into it."""
    row = TileRow(broken.row, "broken", broken.row, title=" ".join(broken.said))
    net.units.append(Tile(f"{broken.row}-tile", [row]))
    last = len(net.units) - 1
    net.links.append(Link(net.result, last, broken=True))
    net.result, net.breaks = last, net.breaks | {last}


def mark_sheets(net: Fork) -> None:
    """Put sheets behind every tile of the blocks that are drawn for several."""
    for part in walk(net):
        if isinstance(part, Fork) and part.repeat and part.repeat.count > 1:
            for tile in walk(part):
                if isinstance(tile, Tile):
                    tile.sheets = True


def _cards(
    scene: Scene, bands: list[Band], top: float, card: tuple[float, float]
) -> None:
    left, right = card
    for band in bands:
        if band.is_card:
            y, bottom = top + band.top - 12, top + band.bottom + 7
            scene.add(Rect(left, y, right - left, max(bottom - y, 72), 10, "card"))


def _column_heads(
    scene: Scene, y: float, x: float, beside: Sequence[tuple[str, float]]
) -> None:
    scene.add(Text(MARGIN + 3, y, "output", 9.5, 500, "muted"))
    for name, wide in beside:
        scene.add(Text(x, y, text.fit(name, 9.5, wide, 500), 9.5, 500, "muted"))
        x += wide + COLUMN_GAP
    scene.add(Line(((MARGIN, y + 8), (scene.width - MARGIN, y + 8)), "rule", 1))
