"""A plan → its stage or block view: rows as cards on one spine, and beside them shapes, costs and
receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from ....collecting import of_type
from ....passes.receptive_field import receptive_fields
from ....structs import Frozen
from .. import text
from ..content.builder import PartBuilder, View, check_names
from ..content.heating import warm
from ..content.parts import Fork, Link, Tile, TileRow, walk
from ..layout.geometry import OPS, Placement, Rhythm
from ..layout.tree import even, place
from ..scene import Line, Primitive, Rect, Scene, ShapeGroup, Text
from .breaks import NetColumn, joints, pieces
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


class Broken(Frozen):
    """The row at which a net goes wrong, and what to say of it, a line each."""

    row: str
    said: tuple[str, ...]


class Sheet(Frozen):
    """Where things stand from left to right: the cards, the spine within them, the columns of
    numbers and what they are; `glyph` is the room for a map drawn as a box."""

    width: float
    card: tuple[float, float]
    spine: float
    numbers: float
    beside: tuple[tuple[str, float], ...]
    glyph: float


class NetLook(Frozen):
    """How a whole net is drawn: the `stages`, the `blocks` or the `ops` view, what is unfolded in
    it, the least width; with what is `broken` at its end, or with the numbers that `paint` it. A
    `narrow` one is for a column of a paper: without numbers beside it, and hardly a margin."""

    view: View
    expand: tuple[str, ...] = ()
    width: float | None = None
    broken: Broken | None = None
    paint: Sequence[Heat] = ()
    narrow: bool = False


def draw(plan: Plan, look: NetLook) -> Scene:
    """The scene of a whole net."""
    graph = plan.graph
    builder = PartBuilder(graph, look.view, check_names(graph, look.expand))
    net = builder.net()
    if look.broken:
        _add_broken(net, look.broken)
    mark_sheets(net)
    scale = warm([(net, graph, heat) for heat in look.paint])
    rhythm = even(OPS if look.view == "ops" else RHYTHM, net)
    placement = place(net, rhythm)
    sheet = _sheet(placement, rhythm, look, columns(plan, look.paint))
    columnwise = look.view == "ops" and not look.narrow
    shown = pieces(placement, sheet.width if columnwise else inf)
    scene = Scene(sheet.width * len(shown), 0, plan.name, caption(plan))
    header(scene, plan, scene.width)
    bands = bands_of(builder.bands, placement)
    facts = BandFacts(plan, receptive_fields(graph), look.paint)
    for at, piece in enumerate(shown):
        items = _column(sheet, facts, piece, bands, rhythm)
        scene.add(
            *(
                item.moved(at * sheet.width, 0) if at else item
                for item in items
            )
        )
    scene.add(*joints(shown, sheet.spine, sheet.width, _TOP))
    legend = Legend(unit_words(graph), scale=scale)
    legend.gather(placement, shortcut_kinds(graph))
    height = max(piece.placement.height for piece in shown)
    bottom = _said(scene, look.broken, _TOP + height + 30)
    scene.height = legend.draw(scene, bottom) + (
        _CROP if look.narrow else 10
    )
    return scene.cropped(_CROP) if look.narrow else scene


def _column(
    sheet: Sheet,
    facts: BandFacts,
    piece: NetColumn,
    bands: Sequence[Band],
    rhythm: Rhythm,
) -> list[Primitive | ShapeGroup]:
    """What stands between two breaks of a net, which most have none of."""
    scene = Scene(sheet.width, 0, "", "")
    _column_heads(scene, _TOP - 25, sheet)
    mine = piece.bands(bands)
    _cards(scene, mine, _TOP, sheet.card)
    paint(scene, piece.placement, sheet.spine, _TOP, rhythm)
    for band in mine:
        labels(scene, band, _TOP, sheet.card[0] + _CARD_PAD)
        if band.again:
            continue
        shape(scene, facts, band, _TOP, sheet.glyph)
        if sheet.beside:
            numbers(scene, facts, band, (sheet.numbers, _TOP))
    return scene.items


def _sheet(
    placement: Placement,
    rhythm: Rhythm,
    look: NetLook,
    beside: Sequence[tuple[str, float]],
) -> Sheet:
    """As wide as what is drawn and the columns beside it ask for, and no narrower than the look
    says; a narrow one has no such columns."""
    least = look.width or NARROWEST
    glyph = GLYPH
    if look.narrow:
        least = 0
        glyph = 0
        beside = []
    half = rhythm.tile_width / 2
    card = MARGIN + _SHAPES + glyph
    spine = card + _CARD_PAD + GUTTER + max(placement.left, half)
    right = spine + max(placement.right + 22, half + 74)
    metrics = sum(wide for _, wide in beside) + COLUMN_GAP * (
        len(beside) - 1
    )
    width = max(least, right + 20 + metrics + MARGIN)
    numbers_x = width - MARGIN - metrics
    card_end = min(right, numbers_x - 18)
    return Sheet(
        width, (card, card_end), spine, numbers_x, tuple(beside), glyph
    )


def _said(scene: Scene, broken: Broken | None, y: float) -> float:
    """What is wrong, in words below the drawing; the y below them."""
    for line in broken.said if broken else ():
        said = text.fit(line, 10.5, scene.width - 2 * MARGIN, 500)
        scene.add(Text(MARGIN, y, said, 10.5, 500, "broken"))
        y += 16
    return y


def _add_broken(net: Fork, broken: Broken) -> None:
    """The row that does not fit, in red, and a red edge into it."""
    row = TileRow(
        broken.row, "broken", broken.row, title=" ".join(broken.said)
    )
    net.units.append(Tile(f"{broken.row}-tile", [row]))
    last = len(net.units) - 1
    net.links.append(Link(net.result, last, broken=True))
    net.result, net.breaks = last, net.breaks | {last}


def mark_sheets(net: Fork) -> None:
    """Put sheets behind every tile of the blocks that are drawn for several."""
    for fork in of_type(Fork, walk(net)):
        if fork.repeat.count > 1:
            for tile in of_type(Tile, walk(fork)):
                tile.sheets = True


def _cards(
    scene: Scene, bands: list[Band], top: float, card: tuple[float, float]
) -> None:
    left, right = card
    for band in bands:
        if band.is_card:
            y = top + band.top - 12
            bottom = top + band.bottom + 7
            scene.add(
                Rect(left, y, right - left, max(bottom - y, 72), 10, "card")
            )


def _column_heads(scene: Scene, y: float, sheet: Sheet) -> None:
    scene.add(Text(MARGIN + 3, y, "output", 9.5, 500, "muted"))
    x = sheet.numbers
    for name, wide in sheet.beside:
        scene.add(
            Text(x, y, text.fit(name, 9.5, wide, 500), 9.5, 500, "muted")
        )
        x += wide + COLUMN_GAP
    scene.add(
        Line(((MARGIN, y + 8), (scene.width - MARGIN, y + 8)), "rule", 1)
    )
